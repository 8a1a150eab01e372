/**
 * Takes samples of a run under way: reads shared counters, never stops anybody, never waits. Runs
 * on the main thread, 20 times a second by default; its cost is bounded by seats × counters, locks
 * and the pages of the arenas seen at the last safepoint.
 */
import type { ArenaGlance, HeapExtent } from '../../allocators/contract.ts'
import { type Control, SEAT_ROW_WORDS, SeatState, SeatWord } from '../words/control.ts'
import { Counter } from '../words/events.ts'
import { bytesOfPages, pageOfWord, pagesOfBytes } from '../words/units.ts'
import { CounterSums, counterOf } from './counters.ts'
import { EventLogReader } from './event-log.ts'
import { LockReader } from './lock-reader.ts'
import { Residency } from './residency.ts'
import type {
  ArenaSample,
  LockSample,
  LogSample,
  SafepointSample,
  Sample,
  ThreadSample,
} from './types.ts'

/** What the sampler reads beside the counters; each must be cheap and must not block. */
export interface SamplerSource {
  readonly control: Control
  /** Nanoseconds since the start barrier. */
  now(): number
  /** Figures of the address space, in bytes. */
  space(): { readonly rss: number; readonly vmSize: number }
  /** The design's arenas, or undefined when the design has no glance. */
  glance(): readonly ArenaGlance[] | undefined
}

/** The thread matrix comes with every n-th sample: it is seats² figures. */
const MATRIX_EVERY = 10
/** Most locks in one sample; those waited for longest come first. */
const LOCKS_MAX = 64

const STATE_NAMES: readonly string[] = stateNames()

export class Sampler {
  readonly #source: SamplerSource
  readonly #sums: CounterSums
  readonly #residency: Residency
  readonly #locks: LockReader
  readonly #log: EventLogReader
  #taken = 0
  #phase = ''
  #safepoint: SafepointSample | undefined
  /** Highest sums of requested and mapped bytes that any sample or safepoint saw. */
  liveMax = 0
  vmSizeMax = 0

  constructor(source: SamplerSource) {
    this.#source = source
    this.#sums = new CounterSums(source.control)
    this.#residency = new Residency(source.control)
    this.#locks = new LockReader(source.control)
    this.#log = new EventLogReader(source.control)
  }

  /** Lets later samples know what a safepoint found: arenas' extents, live bytes, the phase. */
  noteSafepoint(safepoint: SafepointSample): void {
    this.#safepoint = safepoint
    if (safepoint.reason === 'phase') this.#phase = safepoint.label
    this.#noteMaxima(safepoint.live, safepoint.vmSize)
  }

  /** Rare events since the last call. */
  drainLog(): LogSample[] {
    return this.#log.drain()
  }

  take(): Sample {
    const { control } = this.#source
    const sums = this.#sums.refresh()
    const space = this.#source.space()
    const locks = this.#lockSamples()
    const live = sums.of(Counter.LIVE_BYTES)
    this.#noteMaxima(live, space.vmSize)
    const sample: Sample = {
      type: 'sample',
      t: this.#source.now(),
      rss: space.rss,
      vmSize: space.vmSize,
      live,
      liveBlocks: sums.of(Counter.LIVE_BLOCKS),
      usable: sums.of(Counter.USABLE_BYTES),
      threadCaches: this.#safepoint?.anatomy.threadCaches ?? 0,
      ops: sums.of(Counter.OPS),
      mallocs: sums.of(Counter.MALLOCS),
      frees: sums.of(Counter.FREES),
      remoteFrees: sums.of(Counter.REMOTE_FREES),
      minorFaults: sums.of(Counter.MINOR_FAULTS),
      systemCalls: sums.systemCalls,
      lockWaitNs: sums.of(Counter.LOCK_WAIT_NS),
      lockWaits: sums.of(Counter.LOCK_WAITS),
      failedAllocations: sums.of(Counter.FAILED_ALLOCATIONS),
      phase: this.#phase,
      arenas: this.#arenas(),
      locks,
      threads: threadsOf(control),
    }
    const withMatrix = this.#taken++ % MATRIX_EVERY === 0
    return withMatrix ? { ...sample, matrix: matrixOf(control) } : sample
  }

  #noteMaxima(live: number, vmSize: number): void {
    this.liveMax = Math.max(this.liveMax, live)
    this.vmSizeMax = Math.max(this.vmSizeMax, vmSize)
  }

  /** Locks that were ever taken, the most waited-for first when there are too many. */
  #lockSamples(): LockSample[] {
    const locks = this.#locks.all()
    if (locks.length <= LOCKS_MAX) return locks
    return locks.sort((a, b) => b.waitNs - a.waitNs).slice(0, LOCKS_MAX)
  }

  /** Sizes as of now, what lies in them as of the last safepoint. */
  #arenas(): ArenaSample[] {
    const glances = this.#source.glance()
    const heap = this.#safepoint?.heap
    if (glances === undefined) return []
    return glances.map((glance, index) => {
      const report = heap?.arenas[index]
      const found = this.#safepoint?.arenas[index]
      const waitNs = glance.lock >= 0 ? this.#locks.waitNs(glance.lock) : 0
      return {
        name: report?.name ?? `arena ${index}`,
        system: glance.systemBytes,
        resident: report === undefined ? 0 : this.#residentOf(report.heaps, glance.systemBytes),
        top: glance.topBytes,
        attachedThreads: glance.attachedThreads,
        live: found?.live ?? 0,
        free: report?.freeBytes ?? 0,
        lockWaitNs: waitNs,
      }
    })
  }

  /** Resident bytes of an arena's heaps; a single heap may have grown since the safepoint. */
  #residentOf(heaps: readonly HeapExtent[], systemBytes: number): number {
    let pages = 0
    for (const heap of heaps) {
      const bytes = heaps.length === 1 ? Math.max(heap.bytes, systemBytes) : heap.reservedBytes
      const first = pageOfWord(heap.start)
      pages += this.#residency.pages(first, first + pagesOfBytes(bytes))
    }
    return bytesOfPages(pages)
  }
}

function threadsOf(control: Control): ThreadSample[] {
  const threads: ThreadSample[] = []
  for (let seat = 0; seat < control.plan.seats; seat++) {
    const row = seat * SEAT_ROW_WORDS
    threads.push({
      thread: control.seats[row + SeatWord.THREAD]! - 1,
      ops: counterOf(control, seat, Counter.OPS),
      lockWaitNs: counterOf(control, seat, Counter.LOCK_WAIT_NS),
      state: STATE_NAMES[control.seats[row + SeatWord.STATE]!] ?? 'unknown',
    })
  }
  return threads
}

/** `[freeing seat][allocating seat]`, in blocks. */
function matrixOf(control: Control): number[][] {
  const { seats } = control.plan
  const rows: number[][] = []
  for (let seat = 0; seat < seats; seat++) {
    rows.push(Array.from(control.matrixBlocks.subarray(seat * seats, (seat + 1) * seats)))
  }
  return rows
}

function stateNames(): string[] {
  const names: string[] = []
  for (const [name, state] of Object.entries(SeatState)) names[state] = name.toLowerCase()
  return names
}
