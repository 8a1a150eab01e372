/**
 * report.html: the dashboard's one-file page with the run's data inside, so that it opens without a
 * server and without the net. The page is taken as a file; nothing of the dashboard is imported.
 */
import { readFileSync } from 'node:fs'
import type { SafepointSample, SampleLine } from '../metrics/types.ts'
import type { EmbeddedRun } from './embedded-run.ts'

/** The element the page looks for; without it the page asks its server. */
const ELEMENT_ID = 'arena-lab-run'
/** Plain samples of one variant that go into the page: more than a screen has pixels for. */
const SAMPLES_MAX = 300
/** Safepoints on the clock of one variant that go into the page. */
const TICKS_MAX = 60
/** Rare events of one variant that go into the page, the first ones; the others are counted. */
const EVENTS_MAX = 1500
/** Looks of one variant that keep their list of chunks, the last ones: such lists are long. */
const CHUNK_LISTS_MAX = 2

/** The lines of a run that go into its page, thinned while they come in. */
export class ReportLines {
  readonly #variants: VariantLines[] = []

  add(variant: number, line: SampleLine): void {
    while (this.#variants.length <= variant) this.#variants.push(new VariantLines())
    this.#variants[variant]!.add(line)
  }

  /** What goes into the page besides the summary. */
  contents(): Pick<EmbeddedRun, 'lines' | 'eventsLeft'> {
    return {
      lines: this.#variants.map((variant) => variant.lines()),
      eventsLeft: this.#variants.map((variant) => variant.eventsLeft),
    }
  }
}

class VariantLines {
  readonly #samples = new Thinned(SAMPLES_MAX)
  readonly #ticks = new Thinned(TICKS_MAX)
  /** Phase marks, the end, and the first events. */
  readonly #kept: SampleLine[] = []
  #events = 0

  add(line: SampleLine): void {
    if (line.type === 'sample') this.#samples.add(line)
    else if (line.type === 'safepoint' && line.reason === 'tick') this.#ticks.add(line)
    else if (line.type === 'safepoint' || this.#events++ < EVENTS_MAX) this.#kept.push(line)
  }

  get eventsLeft(): number {
    return Math.max(0, this.#events - EVENTS_MAX)
  }

  lines(): SampleLine[] {
    const all = [...this.#samples.lines(), ...this.#ticks.lines(), ...this.#kept]
    return withoutEarlyChunks(all.sort((a, b) => a.t - b.t))
  }
}

/** The lines without the chunks of all looks but the last. */
function withoutEarlyChunks(lines: readonly SampleLine[]): SampleLine[] {
  const kept = lines.filter(hasChunks).slice(-CHUNK_LISTS_MAX)
  return lines.map((line) => {
    if (!hasChunks(line) || kept.includes(line)) return line
    const { chunks: _, ...survey } = line.survey!
    return { ...line, survey }
  })
}

const hasChunks = (line: SampleLine): line is SafepointSample =>
  line.type === 'safepoint' && line.survey?.chunks !== undefined

/** Keeps every n-th line and the last; whenever there are too many, every second one goes. */
class Thinned {
  readonly #most: number
  #lines: SampleLine[] = []
  #last: SampleLine | undefined
  #every = 1
  #seen = 0

  constructor(most: number) {
    this.#most = most
  }

  add(line: SampleLine): void {
    this.#last = line
    if (this.#seen++ % this.#every !== 0) return
    this.#lines.push(line)
    if (this.#lines.length <= this.#most) return
    this.#lines = this.#lines.filter((_, place) => place % 2 === 0)
    this.#every *= 2
  }

  lines(): readonly SampleLine[] {
    const last = this.#last
    return last === undefined || last === this.#lines.at(-1) ? this.#lines : [...this.#lines, last]
  }
}

/** The page's text, or undefined when it was never built. */
export function readPage(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** The page with the data in it, before anything that may run. */
export function embedRun(page: string, run: EmbeddedRun): string {
  const element = `<script type="application/json" id="${ELEMENT_ID}">${scriptJson(run)}</script>`
  const head = /<head[^>]*>/i.exec(page)
  const at = head === null ? 0 : head.index + head[0].length
  return page.slice(0, at) + element + page.slice(at)
}

/**
 * JSON that may stand inside a script element: no `<` can end the element or open a comment, and
 * no line separator can end a line where JavaScript would read the text.
 */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value)
    .replace(/</g, '\\u003c')
    .replace(/\u2028/g, '\\u2028')
    .replace(/\u2029/g, '\\u2029')
}
