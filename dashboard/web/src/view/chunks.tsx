/** The chunk map of one arena: walked with the arrow keys, each chunk told in words. */
import {
  CHUNK_STATES,
  type Chunk,
  ChunkStrip,
  chunkMapOf,
  chunksOf,
  stateToken,
} from '../draw/chunk-strip.ts'
import { address, bytes, count, seconds } from '../format.ts'
import { momentOf, textTick, variants } from '../state.ts'
import type { VariantStore } from '../store/variant.ts'
import { Picked } from './picked.tsx'
import { Swatch } from './swatch.tsx'

export function Chunks({ variant }: { readonly variant: VariantStore }) {
  return (
    <Picked
      name="chunks"
      label={
        `The highest chunks of an arena of ${variant.description.label}, in address order. ` +
        'Left and right go from chunk to chunk, up and down from row to row.'
      }
      make={(canvas) => new ChunkStrip(canvas, variant)}
      none={-1}
      same={(a, b) => a === b}
      at={(strip, x, y) => strip.chunkAt(x, y)}
      moved={moved}
      readout={(selected) => <Readout variant={variant} selected={selected} />}
    />
  )
}

/** The last chunk is where one starts: the top is what matters. */
function moved(strip: ChunkStrip, key: string, from: number): number | undefined {
  const last = strip.chunks.length - 1
  if (last < 0) return undefined
  const to: Record<string, () => number> = {
    ArrowLeft: () => (from < 0 ? last : from - 1),
    ArrowRight: () => (from < 0 ? last : from + 1),
    ArrowUp: () => (from < 0 ? last : strip.inRow(-1)),
    ArrowDown: () => (from < 0 ? last : strip.inRow(1)),
    Home: () => 0,
    End: () => last,
  }
  const next = to[key]?.()
  return next === undefined ? undefined : Math.min(Math.max(next, 0), last)
}

interface ReadoutProps {
  readonly variant: VariantStore
  readonly selected: number
}

function Readout({ variant, selected }: ReadoutProps) {
  textTick.value
  const map = chunkMapOf(variant)
  const look = variant.looks.chunksAt(momentOf(variant))
  const chunk = map === undefined ? undefined : chunksOf(map)[selected]
  const text = (): string => {
    if (map === undefined || look === undefined) return ''
    const name = look.heap.arenas[map.arena]?.name ?? ''
    const all = chunksOf(map).length
    if (chunk !== undefined) return `${name}: ${chunkText(chunk)} (${selected + 1} of ${all})`
    const when = seconds(look.t / 1e9)
    const below = map.left === 0 ? '' : `, ${count(map.left)} below them not listed`
    return `${name}: the highest ${count(all)} of its chunks as of ${when}${below}`
  }
  return (
    <p class="readout" aria-live="polite" data-readout="chunks">
      {text()}
    </p>
  )
}

/** ptmalloc's flags as malloc.c names them. */
function flagsText(flags: number): string {
  const names = [
    ...(flags & 4 ? ['A'] : []),
    ...(flags & 2 ? ['M'] : []),
    ...(flags & 1 ? ['P'] : []),
  ]
  return names.length === 0 ? '' : `, flags ${names.join(' ')}`
}

function chunkText({ address: at, bytes: size, state, flags, ...owner }: Chunk): string {
  const { seat, requested, since } = owner
  const whose =
    seat < 0
      ? ''
      : `, ${bytes(requested)} allocated by thread ${seat} after ${seconds(since / 1e3)}`
  return `${address(at)}, ${bytes(size)}, ${state}${flagsText(flags)}${whose}`
}

/** Only states that occur. */
export function ChunkLegend() {
  textTick.value
  const states = new Set(variants.value.flatMap((variant) => chunkMapOf(variant)?.states ?? []))
  const tokens = new Set([...states].map(stateToken))
  const shown = CHUNK_STATES.filter(([begin]) =>
    [...states].some((state) => state.startsWith(begin)),
  )
  const labels = [...tokens].flatMap((token) => {
    const of = shown.filter(([, other]) => other === token).map(([, , label]) => label)
    return of.length === 0 ? [] : [[token, [...new Set(of)].join(', ')] as const]
  })
  return (
    <ul class="keys">
      {labels.map(([token, label]) => (
        <li key={token}>
          <Swatch token={token} plain />
          {label}
        </li>
      ))}
      <li class="meaning">boxes grow with the logarithm of their size</li>
    </ul>
  )
}
