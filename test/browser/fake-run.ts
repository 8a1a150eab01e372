/**
 * Runs that never ran: the lines a session would publish for a seedservice-like workload, made from
 * a plain model of it, so that the dashboard can be tested without a machine. Each day's records
 * land unevenly on the arenas, the hot arenas move from day to day, the day before yesterday is
 * freed at midnight by one janitor, and an arena's resident memory never falls. Deterministic.
 */

import type { LockId } from '../../allocators/contract.ts'
import type { RunDescription, VariantEnd } from '../../dashboard/protocol.ts'
import type { Survey } from '../../lab/metrics/survey-types.ts'
import type {
  Anatomy,
  ArenaSample,
  LockSample,
  SafepointSample,
  Sample,
  SampleLine,
  VariantSummary,
} from '../../lab/metrics/types.ts'
import { fakeSurvey } from './fake-survey.ts'

const MIB = 1024 * 1024

interface FakeVariant {
  readonly label: string
  readonly arenas: number
}

export interface FakeOptions {
  readonly variants: readonly FakeVariant[]
  /** Ingest threads; the main thread and a janitor come on top. */
  readonly threads: number
  readonly days: number
  /** Seconds of one day. */
  readonly daySeconds: number
  readonly samplesPerSecond: number
  /** Bytes of records in one day, over all threads. */
  readonly dayBytes: number
  /** Bytes; null for none. */
  readonly memoryLimit: number | null
}

export interface FakeRun {
  readonly description: RunDescription
  /** By variant. */
  readonly lines: readonly (readonly SampleLine[])[]
  readonly ends: readonly VariantEnd[]
}

export const SEEDSERVICE: FakeOptions = {
  variants: [
    { label: 'glibc', arenas: 16 },
    { label: 'glibc:arena_max=1', arenas: 1 },
  ],
  threads: 16,
  days: 6,
  daySeconds: 3,
  samplesPerSecond: 20,
  dayBytes: 185 * MIB,
  memoryLimit: 768 * MIB,
}

/** The size that issue 7 asks to stay fluid: 64 arenas, 128 threads, 20 samples a second. */
export const LARGE: FakeOptions = {
  ...SEEDSERVICE,
  variants: [{ label: 'glibc:arena_max=64', arenas: 64 }],
  threads: 126,
  days: 10,
  daySeconds: 6,
  memoryLimit: null,
}

export function fakeRun(options: FakeOptions): FakeRun {
  const simulations = options.variants.map((variant) => new Simulation(options, variant))
  const lines = simulations.map((simulation) => [...simulation.run()])
  const ends = simulations.map((simulation) => simulation.end)
  return { description: descriptionOf(options), lines, ends }
}

/** The first variant's lines, made one by one: for runs that are too long to be held. */
export const fakeLines = (options: FakeOptions): Iterable<SampleLine> =>
  new Simulation(options, options.variants[0]!).run()

export const descriptionOf = (options: FakeOptions): RunDescription => ({
  scenario: 'seedservice',
  machine: 'threads',
  cores: 2,
  seed: 42,
  params: { days: options.days, ingesters: options.threads, skew: true },
  limits: { memoryLimit: options.memoryLimit, addressSpaceLimit: null },
  variants: options.variants.map(({ label }) => ({ label, design: 'glibc' })),
})

/** Share of a day's bytes that thread `i` allocates on `day`: the hot shards move. */
function weight(day: number, i: number, threads: number): number {
  const shard = (3 * day + i) % Math.max(threads, 1)
  const of = (s: number): number => (s === 0 ? 4 : s < threads / 4 ? 2 : 0.25)
  let all = 0
  for (let s = 0; s < threads; s++) all += of(s)
  return of(shard) / all
}

class Simulation {
  end: VariantEnd = { outcome: 'completed', outcomePhase: null, message: '', seconds: 0 }
  readonly #options: FakeOptions
  readonly #variant: FakeVariant
  readonly #lines: SampleLine[] = []
  /** Bytes of the day under way, of the day before, and resident, by arena. */
  readonly #today: number[]
  readonly #yesterday: number[]
  readonly #resident: number[]
  readonly #waitNs: number[]
  readonly #matrix: number[][]
  #remoteFrees = 0
  #mallocs = 0
  #faults = 0
  #samples = 0

  constructor(options: FakeOptions, variant: FakeVariant) {
    this.#options = options
    this.#variant = variant
    const zeros = (): number[] => new Array(variant.arenas).fill(0)
    this.#today = zeros()
    this.#yesterday = zeros()
    this.#resident = zeros()
    this.#waitNs = zeros()
    const seats = options.threads + 2
    this.#matrix = Array.from({ length: seats }, () => new Array(seats).fill(0))
  }

  *run(): Generator<SampleLine> {
    const { days, daySeconds, samplesPerSecond } = this.#options
    const steps = Math.round(daySeconds * samplesPerSecond)
    for (let day = 0; day < days; day++) {
      for (let step = 0; step < steps; step++) {
        const t = (day * daySeconds + step / samplesPerSecond) * 1e9
        this.#ingest(day, 1 / steps)
        this.#lines.push(this.#sample(t, `day ${day}`))
        if (step % samplesPerSecond === samplesPerSecond - 1) this.#safepoint(t, 'tick', '')
        if (this.#isOverLimit()) {
          this.#kill(t, day)
          yield* this.#lines
          return
        }
        yield* this.#lines.splice(0)
      }
      this.#midnight(day)
      this.#safepoint((day + 1) * daySeconds * 1e9, 'phase', 'midnight')
    }
    const t = days * daySeconds * 1e9
    this.#lines.push(this.#sample(t, 'midnight'))
    this.#safepoint(t, 'end', '')
    this.end = { ...this.end, seconds: t / 1e9 }
    yield* this.#lines
  }

  #ingest(day: number, part: number): void {
    const { threads, dayBytes } = this.#options
    for (let i = 0; i < threads; i++) {
      const arena = i % this.#variant.arenas
      const bytes = dayBytes * weight(day, i, threads) * part
      this.#today[arena]! += bytes
      this.#mallocs += Math.round(bytes / 512)
      const needed = (this.#today[arena]! + this.#yesterday[arena]!) * 1.05
      if (needed > this.#resident[arena]!) {
        this.#faults += Math.ceil((needed - this.#resident[arena]!) / 4096)
        this.#resident[arena] = needed
        if (this.#resident[arena]! % (8 * MIB) < bytes) this.#log(day, 'heap_grown', arena)
      }
      // The fewer arenas, the more of them meet at one lock.
      this.#waitNs[arena]! += (bytes / 512) * (this.#options.threads / this.#variant.arenas) * 500
    }
  }

  #log(day: number, event: string, arena: number): void {
    const t = day * this.#options.daySeconds * 1e9
    this.#lines.push({ type: 'event', t, thread: arena, event, a: arena, b: 0 })
  }

  /** The janitor, on the last seat, frees what was allocated the day before. */
  #midnight(day: number): void {
    const { threads, dayBytes } = this.#options
    for (let i = 0; i < threads && day > 0; i++) {
      const blocks = Math.round((dayBytes * weight(day - 1, i, threads)) / 512)
      this.#matrix[threads + 1]![i + 1]! += blocks
      this.#matrix[i + 1]![i + 1]! += Math.round(blocks * 0.2)
      this.#remoteFrees += blocks
    }
    for (let arena = 0; arena < this.#variant.arenas; arena++) {
      this.#yesterday[arena] = this.#today[arena]!
      this.#today[arena] = 0
    }
  }

  #live(arena: number): number {
    return Math.floor(this.#today[arena]! + this.#yesterday[arena]!)
  }
  #rss(): number {
    return this.#resident.reduce((sum, bytes) => sum + Math.floor(bytes), 2 * MIB)
  }
  #liveBytes(): number {
    return this.#resident.reduce((sum, _, arena) => sum + this.#live(arena), 0)
  }
  #isOverLimit(): boolean {
    return this.#options.memoryLimit !== null && this.#rss() > this.#options.memoryLimit
  }

  #kill(t: number, day: number): void {
    this.#lines.push(this.#sample(t, `day ${day}`))
    this.#safepoint(t, 'oom', '')
    this.end = {
      outcome: 'oom-killed',
      outcomePhase: `day ${day}`,
      message: 'memory limit crossed by lab thread 3',
      seconds: t / 1e9,
    }
  }

  #sample(t: number, phase: string): Sample {
    const { threads } = this.#options
    const live = this.#liveBytes()
    const withMatrix = this.#samples++ % 10 === 0
    return {
      type: 'sample',
      t,
      rss: this.#rss(),
      vmSize: this.#rss() + this.#variant.arenas * 24 * MIB,
      live,
      liveBlocks: Math.round(live / 512),
      usable: Math.round(live * 1.03),
      threadCaches: threads * 24_000,
      ops: this.#mallocs * 2,
      mallocs: this.#mallocs,
      frees: this.#remoteFrees,
      remoteFrees: this.#remoteFrees,
      minorFaults: this.#faults,
      systemCalls: Math.round(this.#faults / 33),
      lockWaitNs: Math.round(this.#waitNs.reduce((sum, ns) => sum + ns, 0)),
      lockWaits: Math.round(this.#mallocs / 40),
      failedAllocations: 0,
      phase,
      arenas: this.#resident.map((_, arena) => this.#arena(arena)),
      locks: [...this.#resident.map((_, arena) => this.#lock(arena)), mmapLock(this.#faults)],
      threads: Array.from({ length: threads + 2 }, (_, seat) => ({
        thread: seat,
        ops: Math.round((this.#mallocs * 2) / threads),
        lockWaitNs: Math.round(this.#waitNs[seat % this.#variant.arenas]! / 4),
        state: seat % 5 === 4 ? 'lock' : 'running',
      })),
      ...(withMatrix ? { matrix: this.#matrix.map((row) => [...row]) } : {}),
    }
  }

  #arena(arena: number): ArenaSample {
    const resident = Math.floor(this.#resident[arena]!)
    const live = this.#live(arena)
    const top = Math.floor((resident - live) / 10)
    return {
      name: arenaName(arena),
      system: Math.ceil(resident / MIB + 1) * MIB,
      resident,
      top,
      attachedThreads: Math.ceil((this.#options.threads - arena) / this.#variant.arenas),
      live,
      free: resident - live - top,
      lockWaitNs: Math.round(this.#waitNs[arena]!),
    }
  }

  #lock(arena: number): LockSample {
    const waitNs = Math.round(this.#waitNs[arena]!)
    return {
      name: arenaName(arena),
      acquisitions: Math.round(this.#mallocs / this.#variant.arenas),
      spinAcquisitions: 0,
      waits: Math.round(waitNs / 20_000),
      waitNs,
      waitNsMax: Math.min(waitNs, 4_200_000),
      waitersMax: Math.min(this.#options.threads - 1, 7),
      ownerSwitches: Math.round(waitNs / 15_000),
      failedTries: 0,
    }
  }

  #anatomy(): Anatomy {
    const rss = this.#rss()
    const live = this.#liveBytes()
    const free = rss - 2 * MIB - live
    const blockOverhead = Math.floor(Math.min(free, live * 0.04))
    const threadCaches = Math.floor((free - blockOverhead) * 0.05)
    const freeInBins = Math.floor((free - blockOverhead) * 0.2)
    const freeTop = Math.floor((free - blockOverhead) * 0.1)
    const pinnedFree = free - blockOverhead - threadCaches - freeInBins - freeTop
    return {
      live,
      blockOverhead,
      threadCaches,
      pinnedFree,
      freeTop,
      freeInBins,
      allocatorState: MIB / 2,
      other: 2 * MIB - MIB / 2,
      rss,
    }
  }

  #safepoint(t: number, reason: SafepointSample['reason'], label: string): void {
    const anatomy = this.#anatomy()
    this.#lines.push({
      type: 'safepoint',
      t,
      reason,
      label,
      rss: anatomy.rss,
      vmSize: anatomy.rss + this.#variant.arenas * 24 * MIB,
      live: anatomy.live,
      minorFaults: this.#faults,
      anatomy,
      heap: {
        design: 'glibc',
        partial: false,
        mappedBlocks: 0,
        mappedBytes: 0,
        totals: {},
        arenas: this.#resident.map((_, arena) => this.#arenaReport(arena)),
      },
      violations: [],
      ops: this.#mallocs * 2,
      processBlocks: 0,
      arenas: this.#resident.map((bytes, arena) => ({
        resident: Math.floor(bytes),
        live: this.#live(arena),
        pinnedFree: this.#pinned(arena),
      })),
      survey: this.#survey(t, reason),
    })
  }

  #pinned(arena: number): number {
    return Math.floor((this.#resident[arena]! - this.#live(arena)) * 0.65)
  }

  #survey(t: number, reason: SafepointSample['reason']): Survey {
    const day = Math.max(0, Math.floor(t / 1e9 / this.#options.daySeconds) - 1)
    return fakeSurvey({
      arenas: this.#resident.map((_, arena) => {
        const { live, free, top } = this.#arena(arena)
        const pinned = this.#pinned(arena)
        return { live, pinned, otherFree: Math.max(0, free - pinned), top }
      }),
      since: day * this.#options.daySeconds * 1e3,
      phase: day === 0 ? '' : 'midnight',
      matrix: this.#matrix,
      faults: this.#faults,
      isDetailed: reason !== 'tick',
    })
  }

  #arenaReport(arena: number): SafepointSample['heap']['arenas'][number] {
    const { system, top, free, live, name, attachedThreads } = this.#arena(arena)
    return {
      name,
      lock: arena as LockId,
      attachedThreads,
      systemBytes: system,
      inUseBytes: live,
      freeBytes: free,
      topBytes: top,
      threadCacheBytes: 0,
      chunksInUse: Math.round(live / 512),
      chunksFree: Math.round(free / 2048),
      heaps: [],
      bins: [{ name: 'unsorted', chunks: Math.round(free / 2048), bytes: free }],
    }
  }
}

const arenaName = (arena: number): string => (arena === 0 ? 'main arena' : `arena ${arena}`)
function mmapLock(faults: number): LockSample {
  return {
    name: 'mmap_lock',
    acquisitions: Math.round(faults / 33),
    spinAcquisitions: 0,
    waits: Math.round(faults / 400),
    waitNs: faults * 60,
    waitNsMax: 900_000,
    waitersMax: 3,
    ownerSwitches: Math.round(faults / 500),
    failedTries: 0,
  }
}

/** The part of `summary.json` that an offline report embeds beside the lines. */
export function fakeSummary(run: FakeRun): Record<string, unknown> {
  const { scenario, machine, cores, seed, params, limits, variants } = run.description
  const ends = variants.map(
    ({ label }, place): Partial<VariantSummary> => ({ variant: label, ...run.ends[place]! }),
  )
  return { scenario, machine, cores, seed, params, limits, folder: null, variants: ends }
}
