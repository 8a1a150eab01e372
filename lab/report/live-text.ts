/** What is shown while a run goes on: a block that redraws itself, or plain lines now and then. */
import type { Sample } from '../metrics/types.ts'
import { readableDuration } from '../words/sizes.ts'
import { compact, counted, mib, percent, ratio } from './figures.ts'
import type { Style } from './style.ts'

/** Of the variant under way. */
export interface LiveContext {
  readonly scenario: string
  readonly variant: string
  /** Its place, from 1, among so many. */
  readonly place: number
  readonly of: number
  /** Bytes; undefined when there is no limit to draw the bar against. */
  readonly memoryLimit: number | undefined
}

const BAR_MAX = 40
/** The bar turns yellow, then red, as RSS comes near the limit. */
const NEAR = 0.75
const VERY_NEAR = 0.9

/** The redrawn block: three lines, none wider than `width`. `before` is a sample a little older. */
export function liveBlock(
  context: LiveContext,
  sample: Sample,
  before: Sample | undefined,
  width: number,
  style: Style,
): string {
  const phase = sample.phase === '' ? '' : ` · after ${sample.phase}`
  const place = context.of > 1 ? ` (${context.place} of ${context.of})` : ''
  const title = `${context.scenario} · ${context.variant}${place}${phase}`
  const lines = [
    `${style.bold(cut(title, width - 10))} · ${(sample.t / 1e9).toFixed(1)} s`,
    memoryLine(context, sample, width, style),
    cut(ratesLine(sample, before), width),
  ]
  return lines.join('\n')
}

function memoryLine(context: LiveContext, sample: Sample, width: number, style: Style): string {
  const { memoryLimit } = context
  const rest =
    `  live ${mib(sample.live)} (${ratio(sample.rss, sample.live)} ×)` +
    `  VmSize ${mib(sample.vmSize)}`
  if (memoryLimit === undefined) return cut(`RSS ${mib(sample.rss)}${rest}`, width)
  const figures = ` ${mib(sample.rss)} of ${mib(memoryLimit)}${rest}`
  const room = Math.max(4, Math.min(BAR_MAX, width - figures.length - 5))
  const share = Math.min(1, sample.rss / memoryLimit)
  const filled = Math.round(share * room)
  const paint = share >= VERY_NEAR ? style.bad : share >= NEAR ? style.warn : style.good
  const bar = paint('█'.repeat(filled)) + style.dim('░'.repeat(room - filled))
  return `RSS ${bar}${cut(figures, width - room - 4)}`
}

function ratesLine(sample: Sample, before: Sample | undefined): string {
  const rates = ratesOf(sample, before)
  const threads = sample.threads.filter(({ thread }) => thread >= 0).length
  return [
    `arenas ${sample.arenas.length}`,
    `faults/s ${compact(Math.round(rates.faults))}`,
    `ops/s ${compact(Math.round(rates.ops))}`,
    `waiting for locks ${rates.threadsWaiting.toFixed(1)} of ${counted(threads, 'thread')}`,
  ].join('   ')
}

/** Per second, between two samples; zeros when there is only one. */
function ratesOf(sample: Sample, before: Sample | undefined) {
  const ns = before === undefined ? 0 : sample.t - before.t
  if (before === undefined || ns <= 0) return { faults: 0, ops: 0, threadsWaiting: 0 }
  const perSecond = 1e9 / ns
  return {
    faults: (sample.minorFaults - before.minorFaults) * perSecond,
    ops: (sample.ops - before.ops) * perSecond,
    // Nanoseconds waited per nanosecond: how many threads waited at a time.
    threadsWaiting: (sample.lockWaitNs - before.lockWaitNs) / ns,
  }
}

/** One plain line: for logs, pipes and dumb terminals. `what` is a phase's label, or `running`. */
export function plainLine(
  context: LiveContext,
  what: string,
  sample: Pick<Sample, 't' | 'rss' | 'live' | 'ops' | 'lockWaitNs'> & { arenas: number },
): string {
  const limit =
    context.memoryLimit === undefined
      ? ''
      : `, ${percent(sample.rss, context.memoryLimit)} of limit`
  return [
    `${context.variant}: ${what}`,
    `${(sample.t / 1e9).toFixed(1)} s`,
    `RSS ${mib(sample.rss)} (${ratio(sample.rss, sample.live)} × live${limit})`,
    `arenas ${sample.arenas}`,
    `ops ${compact(sample.ops)}`,
    `lock wait ${readableDuration(sample.lockWaitNs)}`,
  ].join('  ')
}

/** At most `width` characters, the cut shown. */
const cut = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`
