/** Past runs for the dashboard: the list, each as a page, and each as files to keep. */
import { createReadStream, existsSync } from 'node:fs'
import { join } from 'node:path'
import { readSeries } from '../../lab/metrics/series.ts'
import { csvOf } from '../../lab/report/exports.ts'
import { embedRun, ReportLines } from '../../lab/report/html.ts'
import { SAMPLES_FILE, WAITS_FILE } from '../../lab/report/run-folder.ts'
import { runNames, type StoredRun, storedRun } from '../../lab/report/stored-runs.ts'
import { traceEventsOf } from '../../lab/report/trace-events/file.ts'
import type { PastRun, PastRuns } from '../catalogue.ts'
import { queryOf, setupOfRun } from '../setup.ts'

/** Runs in the list; older ones are found by `arena-lab list runs`. */
const LISTED_MAX = 60

/** Something to save, in pieces. */
export interface Download {
  readonly type: string
  readonly chunks: AsyncIterable<string | Buffer> | Iterable<string>
}

/** Runs below one folder. A name is only ever looked up in that folder's list. */
export class Library {
  readonly #directory: string
  /** Ended runs do not change: each is read once. */
  readonly #known = new Map<string, PastRun>()

  constructor(directory: string) {
    this.#directory = directory
  }

  list(): PastRuns {
    const names = runNames(this.#directory).reverse()
    const runs = names.slice(0, LISTED_MAX).flatMap((name) => {
      const run = this.#known.get(name) ?? this.#read(name)
      return run === undefined ? [] : [run]
    })
    return { runs, left: Math.max(0, names.length - LISTED_MAX) }
  }

  /** The page with the run in it; undefined where there is no such run, or nothing tells of it. */
  async page(name: string, page: string): Promise<string | undefined> {
    const run = storedRun(this.#directory, name)
    if (run?.shown === undefined) return undefined
    const lines = new ReportLines()
    for await (const line of readSeries(join(run.path, SAMPLES_FILE))) {
      lines.add(line.variant, line)
    }
    return embedRun(page, { summary: run.shown, ...lines.contents() })
  }

  /** One of `report.html`, `summary.json`, `samples.ndjson`, `samples.csv`, `trace.json`. */
  download(name: string, file: string): Download | undefined {
    const run = storedRun(this.#directory, name)
    if (run === undefined) return undefined
    const samples = join(run.path, SAMPLES_FILE)
    if (file === 'samples.csv' && existsSync(samples)) {
      return { type: 'text/csv', chunks: csvOf(samples, run.asked) }
    }
    if (file === 'trace.json' && existsSync(samples)) {
      const sources = { samples, waits: join(run.path, WAITS_FILE), variants: run.asked }
      return { type: 'application/json', chunks: traceEventsOf(sources) }
    }
    const type = WHOLE_FILES[file]
    const path = join(run.path, file)
    if (type === undefined || !existsSync(path)) return undefined
    return { type, chunks: createReadStream(path) }
  }

  #read(name: string): PastRun | undefined {
    const run = storedRun(this.#directory, name)
    if (run === undefined) return undefined
    const past = pastRun(run)
    if (past.ended) this.#known.set(name, past)
    return past
  }
}

const WHOLE_FILES: Readonly<Record<string, string>> = {
  'report.html': 'text/html',
  'summary.json': 'application/json',
  [SAMPLES_FILE]: 'application/x-ndjson',
}

/** One whose files another version wrote is only named. */
function pastRun(run: StoredRun): PastRun {
  try {
    return pastRunOf(run)
  } catch {
    return pastRunOf({ ...run, summary: undefined, shown: undefined })
  }
}

function pastRunOf({ name, summary, asked, shown }: StoredRun): PastRun {
  return {
    name,
    startedAt: startOf(name),
    scenario: shown?.scenario ?? name.split('-')[1] ?? name,
    query: shown === undefined ? '' : queryOf(setupOfRun(shown, asked)),
    ended: summary !== undefined,
    variants: (summary?.variants ?? []).map(({ variant, outcome, rss, rssPerLive }) => ({
      label: variant,
      outcome,
      rssMax: rss.max,
      rssPerLive,
    })),
    asked,
  }
}

/** Seconds since 1970, of the time that begins a folder's name: `20260101T101112Z-…`. */
function startOf(name: string): number {
  const found = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(name)
  if (found === null) return 0
  const [year, month, day, hour, minute, second] = found.slice(1).map(Number)
  return Date.UTC(year!, month! - 1, day!, hour!, minute!, second!) / 1000
}
