/**
 * report.html: the dashboard's one-file page with the run's data inside, so that it opens without a
 * server and without the net. The page is taken as a file; nothing of the dashboard is imported.
 */
import { readFileSync } from 'node:fs'
import type { RecordedLine } from '../metrics/series.ts'
import type { RunSummary } from '../metrics/types.ts'

/** The element the page looks for; without it the page asks its server. */
const ELEMENT_ID = 'arena-lab-run'
/** Plain samples of one variant that go into the page: more than a screen has pixels for. */
const SAMPLES_MAX = 300
/** Rare events of one variant that go into the page, the first ones. */
const EVENTS_MAX = 500

/** What the page finds. */
export interface EmbeddedRun {
  readonly summary: RunSummary
  readonly lines: readonly RecordedLine[]
}

/** Thinned lines of one run, kept while samples.ndjson is read once from end to end. */
export class ReportLines {
  readonly #variants = new Map<number, Thinned>()

  add(line: RecordedLine): void {
    let thinned = this.#variants.get(line.variant)
    if (thinned === undefined) {
      thinned = new Thinned()
      this.#variants.set(line.variant, thinned)
    }
    thinned.add(line)
  }

  /** By variant, in the order of their times. */
  lines(): RecordedLine[] {
    return [...this.#variants.values()].flatMap((thinned) => thinned.lines())
  }
}

/** Keeps every n-th sample; whenever there are too many, n doubles and every second one goes. */
class Thinned {
  #samples: RecordedLine[] = []
  #others: RecordedLine[] = []
  #last: RecordedLine | undefined
  #every = 1
  #seen = 0
  #events = 0

  add(line: RecordedLine): void {
    if (line.type !== 'sample') {
      if (line.type === 'event' && this.#events++ >= EVENTS_MAX) return
      this.#others.push(line)
      return
    }
    this.#last = line
    if (this.#seen++ % this.#every !== 0) return
    this.#samples.push(line)
    if (this.#samples.length > SAMPLES_MAX) {
      this.#samples = this.#samples.filter((_, place) => place % 2 === 0)
      this.#every *= 2
    }
  }

  lines(): RecordedLine[] {
    const last = this.#last
    const samples =
      last === this.#samples.at(-1) || !last ? this.#samples : [...this.#samples, last]
    return [...samples, ...this.#others].sort((a, b) => a.t - b.t)
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
