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
  /** Samples of the last second by variant under way: several with --lockstep. */
  readonly #recent = new Map<number, Sample[]>()
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
    // The first plain line comes after the first interval: a short run needs none.
    if (this.#recent.size === 0) this.#shownAt = Number.NEGATIVE_INFINITY
    this.#recent.set(variant, [])
  }

  onSample(variant: number, line: SampleLine): void {
    if (line.type === 'sample') this.#sample(variant, line)
    else if (line.type === 'safepoint' && line.reason === 'phase') this.#phase(variant, line)
  }

  onVariantEnd(variant: number, summary: VariantSummary): void {
    const last = this.#recent.get(variant)?.at(-1)
    this.#recent.delete(variant)
    if (last !== undefined) this.#lineOf(variant, summary.outcome, last)
  }

  onNotice(text: string): void {
    this.#line(errStyle(this.#streams).warn(`note: ${text}`))
  }

  /** Takes the block away, so that what follows stands alone. */
  end(): void {
    this.#draw?.clear()
    this.#draw?.done()
  }

  #sample(variant: number, sample: Sample): void {
    const recent = this.#recent.get(variant)
    if (recent === undefined) return
    recent.push(sample)
    while (recent.length > 2 && sample.t - recent[1]!.t > RATE_WINDOW_NS) recent.shift()
    const now = performance.now()
    const every = this.#draw === undefined ? LINE_EVERY_MS : REDRAW_EVERY_MS
    if (now - this.#shownAt < every) return
    const first = this.#shownAt === Number.NEGATIVE_INFINITY
    this.#shownAt = now
    if (this.#draw !== undefined) this.#redraw(this.#draw)
    else if (!first)
      for (const [place, [last]] of this.#newest()) this.#lineOf(place, 'running', last)
  }

  /** By variant under way: its newest sample, and one a second older. */
  #newest(): [number, [Sample, Sample | undefined]][] {
    return [...this.#recent].flatMap(([variant, recent]) => {
      const last = recent.at(-1)
      return last === undefined ? [] : [[variant, [last, recent[0]]]]
    })
  }

  #redraw(draw: ReturnType<typeof createLogUpdate>): void {
    const columns = columnsOf(this.#streams.err)
    const style = errStyle(this.#streams)
    const blocks = this.#newest().map(([variant, [sample, before]]) =>
      liveBlock(this.#context(variant), sample, before, columns - 1, style),
    )
    draw(blocks.join('\n'))
  }

  #phase(variant: number, { label, t, rss, live, ops, heap }: SafepointSample): void {
    const lockWaitNs = this.#recent.get(variant)?.at(-1)?.lockWaitNs ?? 0
    const figures = { t, rss, live, ops, lockWaitNs, arenas: heap.arenas.length }
    this.#line(plainLine(this.#context(variant), label, figures))
  }

  #lineOf(variant: number, what: string, sample: Sample): void {
    const figures = { ...sample, arenas: sample.arenas.length }
    this.#line(plainLine(this.#context(variant), what, figures))
  }

  /** A line that stays, above the block. */
  #line(text: string): void {
    if (this.#draw === undefined) this.#streams.err.write(`${text}\n`)
    else this.#draw.persist(text)
  }

  #context(variant: number): LiveContext {
    const plan = this.#start?.plans[variant]
    return {
      scenario: this.#start?.scenario ?? '',
      variant: plan?.variant.label ?? '',
      place: variant + 1,
      of: this.#start?.plans.length ?? 1,
      memoryLimit: plan?.limits.memoryLimit,
    }
  }
}
