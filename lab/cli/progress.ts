/** Shows a run while it goes on, on stderr: a block that redraws itself, or plain lines. */
import { createLogUpdate } from 'log-update'
import type { SafepointSample, Sample, SampleLine, VariantSummary } from '../metrics/types.ts'
import { type LiveContext, liveBlock, plainLine } from '../report/live-text.ts'
import { canRedraw, columnsOf } from '../report/style.ts'
import type { RunHooks, RunStart } from '../session/types.ts'
import { errStyle, type Streams } from './streams.ts'

const REDRAW_EVERY_MS = 100
/** Plain lines between phase marks. */
const LINE_EVERY_MS = 5000
/** Rates are taken over this much of the run's time. */
const RATE_WINDOW_NS = 1e9

export class Progress implements RunHooks {
  readonly #streams: Streams
  readonly #draw: ReturnType<typeof createLogUpdate> | undefined
  #start: RunStart | undefined
  #variant = 0
  #recent: Sample[] = []
  #shownAt = Number.NEGATIVE_INFINITY

  constructor(streams: Streams) {
    this.#streams = streams
    const redraws = canRedraw(streams.err, streams.env)
    this.#draw = redraws ? createLogUpdate(streams.err, { showCursor: true }) : undefined
  }

  onRunStart(start: RunStart): void {
    this.#start = start
    const { request, scenario, plans } = start
    const variants = plans.map(({ variant }) => variant.label).join(', ')
    this.#line(`${scenario}: ${variants} (seed ${request.seed}, ${start.folder})`)
  }

  onVariantStart(variant: number): void {
    this.#variant = variant
    this.#recent = []
    this.#shownAt = Number.NEGATIVE_INFINITY
  }

  onSample(_variant: number, line: SampleLine): void {
    if (line.type === 'sample') this.#sample(line)
    else if (line.type === 'safepoint' && line.reason === 'phase') this.#phase(line)
  }

  onVariantEnd(_variant: number, summary: VariantSummary): void {
    const last = this.#recent.at(-1)
    if (last !== undefined) this.#lineOf(summary.outcome, last)
  }

  onNotice(text: string): void {
    this.#line(errStyle(this.#streams).warn(`note: ${text}`))
  }

  /** Takes the block away, so that what follows stands alone. */
  end(): void {
    this.#draw?.clear()
    this.#draw?.done()
  }

  #sample(sample: Sample): void {
    this.#recent.push(sample)
    while (this.#recent.length > 2 && sample.t - this.#recent[1]!.t > RATE_WINDOW_NS) {
      this.#recent.shift()
    }
    const now = performance.now()
    const every = this.#draw === undefined ? LINE_EVERY_MS : REDRAW_EVERY_MS
    if (now - this.#shownAt < every) return
    // The first plain line comes after the first interval: a short run needs none.
    const first = this.#shownAt === Number.NEGATIVE_INFINITY
    this.#shownAt = now
    if (this.#draw === undefined) {
      if (!first) this.#lineOf('running', sample)
      return
    }
    const columns = columnsOf(this.#streams.err)
    const before = this.#recent[0]
    const style = errStyle(this.#streams)
    this.#draw(liveBlock(this.#context(), sample, before, columns - 1, style))
  }

  #phase({ label, t, rss, live, ops, heap }: SafepointSample): void {
    const lockWaitNs = this.#recent.at(-1)?.lockWaitNs ?? 0
    const figures = { t, rss, live, ops, lockWaitNs, arenas: heap.arenas.length }
    this.#line(plainLine(this.#context(), label, figures))
  }

  #lineOf(what: string, sample: Sample): void {
    this.#line(plainLine(this.#context(), what, { ...sample, arenas: sample.arenas.length }))
  }

  /** A line that stays, above the block. */
  #line(text: string): void {
    if (this.#draw === undefined) this.#streams.err.write(`${text}\n`)
    else this.#draw.persist(text)
  }

  #context(): LiveContext {
    const plan = this.#start?.plans[this.#variant]
    return {
      scenario: this.#start?.scenario ?? '',
      variant: plan?.variant.label ?? '',
      place: this.#variant + 1,
      of: this.#start?.plans.length ?? 1,
      memoryLimit: plan?.limits.memoryLimit,
    }
  }
}
