/** Reads traces from files, from standard input and from memory. */
import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { BadInput, isBadInput, messageOf, quoted } from '../../words/bad-input.ts'
import type { Trace, TraceChunk, TraceTotals } from './chunk.ts'
import { TraceParser } from './parser.ts'

const READ_BYTES = 1024 * 1024

/**
 * Calls `onChunk` for each chunk of a trace file, `-` for standard input, in order; the totals at
 * the end. Holds one chunk and the live blocks in memory, however long the file. Throws `BadInput`
 * for a file that cannot be read and for the first bad line.
 */
export async function readTrace(
  path: string,
  onChunk: (chunk: TraceChunk) => void,
): Promise<TraceTotals> {
  const input: Readable =
    path === '-' ? process.stdin : createReadStream(path, { highWaterMark: READ_BYTES })
  const parser = new TraceParser(path === '-' ? 'on standard input' : quoted(path), onChunk)
  try {
    for await (const bytes of input) parser.push(bytes as Uint8Array)
  } catch (error) {
    // What `onChunk` threw is not the file's fault.
    if (isBadInput(error) || !isFileError(error)) throw error
    throw new BadInput(`trace ${quoted(path)} cannot be read: ${messageOf(error)}`)
  }
  return parser.end()
}

const isFileError = (error: unknown): boolean =>
  error instanceof Error && 'syscall' in error && 'code' in error

/** A whole trace file in memory: 33 bytes an op. */
export async function readWholeTrace(path: string): Promise<Trace> {
  const chunks: TraceChunk[] = []
  const totals = await readTrace(path, (chunk) => chunks.push(chunk))
  return { chunks, totals }
}

/** A trace that is already in memory as text, in pieces cut anywhere. */
export function parseTrace(name: string, pieces: Iterable<Uint8Array>): Trace {
  const chunks: TraceChunk[] = []
  const parser = new TraceParser(name, (chunk) => chunks.push(chunk))
  for (const piece of pieces) parser.push(piece)
  return { chunks, totals: parser.end() }
}
