/** A run in words, as the page and its files say it. */
import type { RunDescription } from '../../protocol.ts'
import { bytes } from './format.ts'
import { connection } from './state.ts'
import type { VariantStore } from './store/variant.ts'

const OUTCOMES: Record<string, string> = {
  completed: 'completed',
  'oom-killed': 'OOM-killed',
  deadlock: 'deadlock',
  corrupted: 'heap corrupted',
  crashed: 'crashed',
  interrupted: 'interrupted',
}

/** An outcome in words. */
export const outcomeText = (outcome: string): string => OUTCOMES[outcome] ?? outcome

/** Its heap is there; its lab threads may not be yet. */
export const hasBooted = (variant: VariantStore): boolean => variant.newestSafepoint !== undefined

/** How a variant ended, or how it stands. */
export function stateOf(variant: VariantStore): {
  text: string
  kind: 'good' | 'bad' | 'busy' | 'idle'
} {
  const { end } = variant
  if (end === undefined && connection.value === 'offline') {
    return { text: 'left no summary', kind: 'bad' }
  }
  if (end === undefined) {
    if (variant.newest === undefined) {
      return { text: hasBooted(variant) ? 'starting' : 'waiting', kind: 'idle' }
    }
    const { phase } = variant.newest
    return { text: phase === '' ? 'running' : `running · ${phase}`, kind: 'busy' }
  }
  const during = end.outcomePhase === null ? '' : ` after ${end.outcomePhase}`
  const text = `${outcomeText(end.outcome)}${during}`
  return { text, kind: end.outcome === 'completed' ? 'good' : 'bad' }
}

/** What a run is set up to be, besides its scenario and its variants. */
export function setupText({ machine, cores, seed, limits }: RunDescription): string {
  const memory = limits['memoryLimit'] ?? null
  const space = limits['addressSpaceLimit'] ?? null
  return [
    `${machine} machine`,
    `${cores} ${cores === 1 ? 'core' : 'cores'}`,
    `seed ${seed}`,
    ...(memory === null ? [] : [`memory limit ${bytes(memory)}`]),
    ...(space === null ? [] : [`address space ${bytes(space)}`]),
  ].join(' · ')
}
