/** Traces that can be read more than once: a comparison that fails reads its trace again. */
import { createReadStream } from 'node:fs'
import { BadInput, isBadInput, messageOf, quoted } from '../../words/bad-input.ts'
import type { Trace, TraceChunk } from '../../workload/trace/chunk.ts'
import { type GenerateOptions, generateTrace } from '../../workload/trace/generate.ts'
import { TraceParser } from '../../workload/trace/parser.ts'
import { type RecordOptions, recordTrace } from '../../workload/trace/record.ts'

const READ_BYTES = 1024 * 1024

export interface TraceSource {
  /** What messages call it. */
  readonly name: string
  /** From the start, each time. */
  chunks(): AsyncIterable<TraceChunk>
}

/** A file, read chunk by chunk. `-` is standard input, which is kept in memory to be read again. */
export function fileSource(path: string): TraceSource {
  if (path !== '-') return { name: path, chunks: () => chunksOf(path, () => fileBytes(path)) }
  let kept: TraceChunk[] | undefined
  return {
    name: 'standard input',
    async *chunks() {
      if (kept !== undefined) {
        yield* kept
        return
      }
      const read: TraceChunk[] = []
      for await (const chunk of chunksOf('on standard input', () => process.stdin)) {
        read.push(chunk)
        yield chunk
      }
      kept = read
    },
  }
}

/** A trace in memory. */
export function memorySource(name: string, trace: Trace): TraceSource {
  return {
    name,
    async *chunks() {
      yield* trace.chunks
    },
  }
}

/** A random trace, made anew each time it is read. */
export function randomSource(options: GenerateOptions): TraceSource {
  const { seed, threads, ops, profile } = options
  const name = `seed ${seed}, ${threads} threads, ${ops} ops, ${profile}`
  return { name, chunks: () => chunksOf(name, () => generateTrace(options)) }
}

/** A scenario, recorded anew each time it is read. */
export function scenarioSource(options: RecordOptions): TraceSource {
  const name = `of ${options.scenario.name}, seed ${options.seed}`
  return { name, chunks: () => chunksOf(name, () => recordTrace(options)) }
}

async function* chunksOf(
  name: string,
  open: () => Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<TraceChunk> {
  let ready: TraceChunk[] = []
  const parser = new TraceParser(name, (chunk) => ready.push(chunk))
  for await (const bytes of open()) {
    parser.push(bytes)
    if (ready.length === 0) continue
    yield* ready
    ready = []
  }
  parser.end()
  yield* ready
}

async function* fileBytes(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: READ_BYTES })
  } catch (error) {
    if (isBadInput(error)) throw error
    throw new BadInput(`trace ${quoted(path)} cannot be read: ${messageOf(error)}`)
  }
}
