/**
 * Delta debugging of a trace (A. Zeller, R. Hildebrandt, "Simplifying and Isolating
 * Failure-Inducing Input", 2002): leaves out whole threads, then blocks, then single ops, in ever
 * smaller groups, as long as the rest still differs. What is left is minimal: no single one of
 * these can go.
 */

import { isBadInput } from '../../words/bad-input.ts'
import { lineOfOp, type Trace, type TraceChunk } from '../../workload/trace/chunk.ts'
import { TRACE_HEADER, TraceOp } from '../../workload/trace/format.ts'
import { parseTrace } from '../../workload/trace/read.ts'

/** Does this trace still differ? */
export type StillDiffers = (trace: Trace) => Promise<boolean>

interface Line {
  readonly text: string
  readonly thread: number
  readonly code: number
  /** Which life of a block number it belongs to; -1 for none. */
  readonly life: number
}

export interface ShrinkProgress {
  /** Called after each trial that left something out. */
  onSmaller(ops: number, trials: number): void
}

/** The smallest trace found that still differs; `trace` itself must. */
export async function shrinkTrace(
  trace: Trace,
  stillDiffers: StillDiffers,
  progress: ShrinkProgress,
): Promise<Trace> {
  const shrinking = new Shrinking(linesOf(trace), stillDiffers, progress)
  let before = Number.POSITIVE_INFINITY
  while (shrinking.lines.length < before) {
    before = shrinking.lines.length
    await shrinking.leaveOut((line) => (line.thread === 0 ? undefined : `t${line.thread}`))
    await shrinking.leaveOut((line) => (line.life < 0 ? undefined : `b${line.life}`))
    await shrinking.leaveOut((line, i) => (isLoose(line) ? `o${i}` : undefined))
  }
  return traceOf(shrinking.lines) ?? trace
}

/** Ops that can go without taking others with them. */
const isLoose = ({ code }: Line): boolean =>
  code === TraceOp.WRITE ||
  code === TraceOp.TRIM ||
  code === TraceOp.EXIT ||
  code === TraceOp.CHECKPOINT ||
  code === TraceOp.FREE ||
  code === TraceOp.REALLOC

class Shrinking {
  lines: readonly Line[]
  readonly #stillDiffers: StillDiffers
  readonly #progress: ShrinkProgress
  #trials = 0

  constructor(lines: readonly Line[], stillDiffers: StillDiffers, progress: ShrinkProgress) {
    this.lines = lines
    this.#stillDiffers = stillDiffers
    this.#progress = progress
  }

  /** ddmin over the groups that `groupOf` names; lines without a group stay. */
  async leaveOut(groupOf: (line: Line, i: number) => string | undefined): Promise<void> {
    const groups = new Map<string, Line[]>()
    this.lines.forEach((line, i) => {
      const name = groupOf(line, i)
      if (name === undefined) return
      const group = groups.get(name)
      if (group === undefined) groups.set(name, [line])
      else group.push(line)
    })
    let names = [...groups.keys()]
    let parts = 2
    while (names.length > 0) {
      const size = Math.ceil(names.length / parts)
      let reduced = false
      for (let from = 0; from < names.length; ) {
        const gone = new Set(names.slice(from, from + size).flatMap((name) => groups.get(name)!))
        if (await this.#without(gone)) {
          names = [...names.slice(0, from), ...names.slice(from + size)]
          reduced = true
        } else {
          from += size
        }
      }
      if (size === 1 && !reduced) return
      parts = size === 1 ? names.length : Math.min(names.length, parts * 2)
    }
  }

  async #without(gone: ReadonlySet<Line>): Promise<boolean> {
    const rest = this.lines.filter((line) => !gone.has(line))
    this.#trials++
    const trace = traceOf(rest)
    if (trace === undefined || !(await this.#stillDiffers(trace))) return false
    this.lines = rest
    this.#progress.onSmaller(rest.length, this.#trials)
    return true
  }
}

function linesOf(trace: Trace): Line[] {
  const lines: Line[] = []
  let lives = 0
  const lifeOf = new Map<number, number>()
  for (const chunk of trace.chunks) {
    for (let i = 0; i < chunk.length; i++) {
      const block = chunk.block[i]!
      if (block >= 0 && !lifeOf.has(block)) lifeOf.set(block, lives++)
      const life = block < 0 ? -1 : lifeOf.get(block)!
      lines.push({ text: lineOfOp(chunk, i), thread: chunk.thread[i]!, code: chunk.code[i]!, life })
      if (endsLife(chunk, i)) lifeOf.delete(block)
    }
  }
  return lines
}

const endsLife = (chunk: TraceChunk, i: number): boolean =>
  chunk.code[i] === TraceOp.FREE || (chunk.code[i] === TraceOp.REALLOC && chunk.size[i] === 0)

/**
 * Leaving a free out would make its block number live when it is used again: every life gets a
 * number of its own. A life whose first op is gone is left out altogether. Undefined when what is
 * left is no trace (a NULL block would be freed by realloc to 0).
 */
function traceOf(lines: readonly Line[]): Trace | undefined {
  const born = new Set<number>()
  const text: string[] = [TRACE_HEADER]
  for (const { text: line, code, life } of lines) {
    if (life < 0) {
      text.push(line)
      continue
    }
    const isBirth = code === TraceOp.MALLOC || code === TraceOp.CALLOC || code === TraceOp.MEMALIGN
    if (isBirth) born.add(life)
    if (!born.has(life)) continue
    const [thread, op, , ...rest] = line.split(' ')
    text.push([thread, op, life, ...rest].join(' '))
  }
  try {
    return parseTrace('being shrunk', [new TextEncoder().encode(`${text.join('\n')}\n`)])
  } catch (error) {
    if (isBadInput(error)) return undefined
    throw error
  }
}

/** The trace as a file has it. */
export function traceText(trace: Trace, comment: string): string {
  const lines = [TRACE_HEADER, `# ${comment}`]
  for (const chunk of trace.chunks) {
    for (let i = 0; i < chunk.length; i++) lines.push(lineOfOp(chunk, i))
  }
  return `${lines.join('\n')}\n`
}
