/**
 * When arenas grew and when they gave memory back, as the samples show it: a stretch in which an
 * arena grows from sample to sample is one change. The lab only counts such events; this is how
 * they get a time and an arena.
 */
import type { Sample } from '../../../../lab/metrics/types.ts'

export interface ArenaChange {
  readonly arena: string
  /** Growth is of what the arena has from the system; giving back is of what is resident. */
  readonly kind: 'grown' | 'returned'
  /** Nanoseconds: from the sample before the first change to the last one. */
  readonly from: number
  to: number
  bytes: number
  /** Bytes that it has, or that are resident, after it. */
  after: number
}

/** Less is noise: resident pages are counted while threads fault them in. */
const RETURNED_MIN = 64 * 1024
/** Changes of one arena nearer than this belong together, nanoseconds. */
const GAP_MIN = 250e6
const CHANGES_MAX = 2000

interface Known {
  system: number
  resident: number
  last: ArenaChange | undefined
}

export class ArenaChanges {
  #changes: ArenaChange[] = []
  readonly #known: Known[] = []
  #before = 0

  /** In the order of their beginnings. */
  all(): readonly ArenaChange[] {
    return this.#changes
  }

  /** Samples come in the order of time. */
  add({ t, arenas }: Sample): void {
    const before = this.#before
    this.#before = t
    if (t <= before) return
    for (const [place, { name, system, resident }] of arenas.entries()) {
      const known = (this.#known[place] ??= { system: 0, resident: 0, last: undefined })
      const grown = system - known.system
      const returned = known.resident - resident
      if (grown > 0) this.#note(known, name, 'grown', before, t, grown, system)
      else if (returned >= RETURNED_MIN) {
        this.#note(known, name, 'returned', before, t, returned, resident)
      }
      known.system = system
      known.resident = resident
    }
  }

  #note(
    known: Known,
    arena: string,
    kind: ArenaChange['kind'],
    from: number,
    to: number,
    bytes: number,
    after: number,
  ): void {
    const { last } = known
    if (last?.kind === kind && from - last.to <= Math.max(GAP_MIN, to - from)) {
      last.to = to
      last.bytes += bytes
      last.after = after
      return
    }
    known.last = { arena, kind, from, to, bytes, after }
    this.#changes.push(known.last)
    if (this.#changes.length > CHANGES_MAX) this.#changes = this.#changes.slice(-CHANGES_MAX / 2)
  }
}
