/** Reads samples.ndjson back: line by line, so that a long run does not have to fit in memory. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { SampleLine } from './types.ts'
import type { WaitLine } from './wait-reader.ts'

/** A line of samples.ndjson: which variant of the run it belongs to. */
export type RecordedLine = SampleLine & { readonly variant: number }

export interface SeriesReading {
  /** Lines that were no JSON. A crash may cut the last one; more than that means damage. */
  damaged: number
}

/**
 * Every whole line of a samples file, in order. A cut last line is left out and counted in
 * `reading.damaged`. Rejects when the file cannot be read.
 */
export function readSeries(
  path: string,
  reading: SeriesReading = { damaged: 0 },
): AsyncGenerator<RecordedLine> {
  return readLines<RecordedLine>(path, reading)
}

/** Every whole line of waits.ndjson, as `readSeries` reads samples. */
export function readWaits(path: string): AsyncGenerator<WaitLine & { readonly variant: number }> {
  return readLines(path, { damaged: 0 })
}

async function* readLines<T extends object>(
  path: string,
  reading: SeriesReading,
): AsyncGenerator<T> {
  const lines = createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Infinity })
  for await (const line of lines) {
    if (line === '') continue
    const parsed = parseLine<T>(line)
    if (parsed === undefined) reading.damaged++
    else yield parsed
  }
}

function parseLine<T extends object>(line: string): T | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return isRecordedLine(value) ? (value as T) : undefined
  } catch {
    return undefined
  }
}

function isRecordedLine(value: unknown): value is object {
  return typeof value === 'object' && value !== null && 'type' in value && 'variant' in value
}
