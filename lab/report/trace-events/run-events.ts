/**
 * What samples.ndjson tells of one variant: counters, phases, the lives of lab threads, what
 * happened, and arrows from who allocated to who freed.
 */
import type { LogSample, SafepointSample, Sample, SampleLine } from '../../metrics/types.ts'
import { microseconds, namedTrack, pidOf, span, type TraceEvent, Track } from './events.ts'
import { FreeFlows } from './free-flows.ts'

interface Life {
  start: number
  end: number
}

export class RunEvents {
  readonly #pid: number
  readonly #flows: FreeFlows
  readonly #lives = new Map<number, Life>()
  #before: Sample | undefined
  #phaseStart = 0
  #end = 0

  constructor(variant: number) {
    this.#pid = pidOf(variant)
    this.#flows = new FreeFlows(variant)
  }

  /** Arrows left out: the smallest of an interval with very many. */
  get flowsLeftOut(): number {
    return this.#flows.leftOut
  }

  *add(line: SampleLine): Generator<TraceEvent> {
    this.#end = Math.max(this.#end, line.t)
    if (line.type === 'sample') yield* this.#sample(line)
    else if (line.type === 'safepoint') yield* this.#safepoint(line)
    else yield* this.#event(line)
  }

  /** The tracks that last as long as the run. `waits`: when each lab thread was seen to wait. */
  *finish(waits: ReadonlyMap<number, Life>): Generator<TraceEvent> {
    yield* namedTrack(this.#pid, Track.RUN, 'run')
    for (const [thread, { start, end }] of waits) {
      this.#live(thread, start)
      this.#live(thread, end)
    }
    for (const [thread, { start, end }] of this.#lives) {
      const tid = Track.ofThread(thread)
      yield* namedTrack(this.#pid, tid, `lab thread ${thread}`)
      yield {
        ph: 'X',
        pid: this.#pid,
        tid,
        name: `lab thread ${thread}`,
        cat: 'thread',
        // A hair longer than all that lies in it: of two that begin at once, which is inside?
        ...span(Math.max(0, start - 1), end + 1),
        args: {},
      }
    }
    yield* this.#flows.names()
  }

  *#sample(sample: Sample): Generator<TraceEvent> {
    for (const { thread } of sample.threads) if (thread >= 0) this.#live(thread, sample.t)
    const { rss, vmSize, live, usable, threadCaches } = sample
    yield this.#counter('memory (bytes)', sample.t, { rss, vmSize, live, usable, threadCaches })
    const resident = sample.arenas.map((arena) => [arena.name, arena.resident] as const)
    if (resident.length > 0) {
      yield this.#counter('resident by arena (bytes)', sample.t, Object.fromEntries(resident))
    }
    const waiting = sample.threads.filter(({ state }) => state === 'lock').length
    yield this.#counter('lab threads waiting for a lock', sample.t, { waiting })
    yield* this.#rates(sample)
    this.#before = sample
    yield* this.#flows.add(sample)
  }

  /** Over the time since the sample before. */
  *#rates(sample: Sample): Generator<TraceEvent> {
    const before = this.#before
    const seconds = before === undefined ? 0 : (sample.t - before.t) / 1e9
    if (before === undefined || seconds <= 0) return
    const rate = (key: 'ops' | 'minorFaults' | 'systemCalls' | 'lockWaitNs'): number =>
      Math.max(0, Math.round((sample[key] - before[key]) / seconds))
    yield this.#counter('ops per second', sample.t, { ops: rate('ops') })
    yield this.#counter('kernel, per second', sample.t, {
      minorFaults: rate('minorFaults'),
      systemCalls: rate('systemCalls'),
    })
    yield this.#counter('lock wait (ns per second, all lab threads)', sample.t, {
      wait: rate('lockWaitNs'),
    })
  }

  *#safepoint(point: SafepointSample): Generator<TraceEvent> {
    const { rss: _, ...causes } = point.anatomy
    yield this.#counter('RSS by cause (bytes)', point.t, causes)
    if (point.reason === 'tick' || point.reason === 'request') return
    const ends = point.reason === 'phase' ? point.label : point.reason
    if (point.t > this.#phaseStart) {
      yield {
        ph: 'X',
        pid: this.#pid,
        tid: Track.RUN,
        name: point.reason === 'phase' ? `to ${ends}` : 'to the end',
        cat: 'phase',
        ...span(this.#phaseStart, point.t),
        args: { rss: point.rss, live: point.live },
      }
    }
    this.#phaseStart = Math.max(this.#phaseStart, point.t)
    yield this.#moment('p', Track.RUN, ends === 'oom' ? 'OOM kill' : ends, 'phase', point.t, {
      rss: point.rss,
      live: point.live,
    })
  }

  *#event({ t, thread, event, a, b }: LogSample): Generator<TraceEvent> {
    if (event === 'thread_started' || event === 'thread_ended') this.#live(a, t)
    this.#live(thread, t)
    yield this.#moment('t', Track.ofThread(thread), event.replaceAll('_', ' '), 'event', t, {
      a,
      b,
    })
  }

  /** It was seen alive at `t`. */
  #live(thread: number, t: number): void {
    const life = this.#lives.get(thread)
    if (life === undefined) this.#lives.set(thread, { start: t, end: t })
    else {
      life.start = Math.min(life.start, t)
      life.end = Math.max(life.end, t)
    }
  }

  #counter(name: string, t: number, args: Readonly<Record<string, number>>): TraceEvent {
    return { ph: 'C', pid: this.#pid, tid: 0, name, ts: microseconds(t), args }
  }

  #moment(
    s: 't' | 'p',
    tid: number,
    name: string,
    cat: string,
    t: number,
    args: Readonly<Record<string, number>>,
  ): TraceEvent {
    return { ph: 'i', s, pid: this.#pid, tid, name, cat, ts: microseconds(t), args }
  }
}
