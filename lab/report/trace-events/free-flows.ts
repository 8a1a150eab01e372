/**
 * Remote frees as arrows: one from each seat whose blocks were freed to the seat that freed them,
 * for each stretch of time between two thread matrices of the samples, with the number of blocks.
 * Single frees are not kept by the lab, for a free is on the good path; the sums are exact.
 */
import type { Sample } from '../../metrics/types.ts'
import { microseconds, namedTrack, pidOf, span, type TraceEvent, Track } from './events.ts'

/** Arrows of one stretch: those with the most blocks. */
const ARROWS_MAX = 200
/** Ids of arrows are unique over all variants of a file. */
const IDS_PER_VARIANT = 1e9

interface Pair {
  readonly freeing: number
  readonly allocating: number
  readonly blocks: number
}

export class FreeFlows {
  readonly #pid: number
  #nextId: number
  #before: { readonly t: number; readonly matrix: readonly (readonly number[])[] } | undefined
  #seats = 0
  leftOut = 0

  constructor(variant: number) {
    this.#pid = pidOf(variant)
    this.#nextId = variant * IDS_PER_VARIANT + 1
  }

  *add({ t, matrix, threads }: Sample): Generator<TraceEvent> {
    if (matrix === undefined) return
    const before = this.#before
    this.#before = { t, matrix }
    this.#seats = Math.max(this.#seats, matrix.length)
    if (before === undefined || t <= before.t) return
    const pairs = remoteFrees(before.matrix, matrix)
    this.leftOut += Math.max(0, pairs.length - ARROWS_MAX)
    const shown = pairs.slice(0, ARROWS_MAX)
    const concerned = new Set(shown.flatMap(({ freeing, allocating }) => [freeing, allocating]))
    for (const seat of concerned) {
      const freed = shown.reduce((sum, p) => sum + (p.freeing === seat ? p.blocks : 0), 0)
      const lost = shown.reduce((sum, p) => sum + (p.allocating === seat ? p.blocks : 0), 0)
      const thread = threads[seat]?.thread ?? -1
      yield this.#slice(seat, thread, before.t, t, freed, lost)
    }
    for (const pair of shown) yield* this.#arrow(pair, before.t, t)
  }

  *names(): Generator<TraceEvent> {
    for (let seat = 0; seat < this.#seats; seat++) {
      yield* namedTrack(this.#pid, Track.ofSeat(seat), `seat ${seat} · remote frees`)
    }
  }

  #slice(
    seat: number,
    thread: number,
    from: number,
    to: number,
    freed: number,
    lost: number,
  ): TraceEvent {
    return {
      ph: 'X',
      pid: this.#pid,
      tid: Track.ofSeat(seat),
      name: `freed ${freed} of others, others freed ${lost}`,
      cat: 'remote free',
      ...span(from, to),
      args: { freedOfOthers: freed, freedByOthers: lost, labThreadAtTheEnd: thread },
    }
  }

  *#arrow({ freeing, allocating, blocks }: Pair, from: number, to: number): Generator<TraceEvent> {
    const id = this.#nextId++
    const rest = { name: 'remote frees', cat: 'remote free', id, args: { blocks } }
    // Both ends lie within the slices of the stretch, or a viewer would not know where to put them.
    const begin = microseconds(from + (to - from) / 4)
    const end = microseconds(to - (to - from) / 4)
    yield { ph: 's', pid: this.#pid, tid: Track.ofSeat(allocating), ts: begin, ...rest }
    yield { ph: 'f', bp: 'e', pid: this.#pid, tid: Track.ofSeat(freeing), ts: end, ...rest }
  }
}

/** Blocks freed by another seat than had allocated them, the largest numbers first. */
function remoteFrees(
  before: readonly (readonly number[])[],
  now: readonly (readonly number[])[],
): Pair[] {
  const pairs: Pair[] = []
  for (const [freeing, row] of now.entries()) {
    for (const [allocating, total] of row.entries()) {
      const blocks = total - (before[freeing]?.[allocating] ?? 0)
      if (freeing !== allocating && blocks > 0) pairs.push({ freeing, allocating, blocks })
    }
  }
  return pairs.sort((a, b) => b.blocks - a.blocks)
}
