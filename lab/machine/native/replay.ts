/** Runs a trace under a real malloc: spawns the C replayer and collects its records. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import type { ReplayRecords } from '../placements.ts'
import { nativeReplayer } from './build.ts'
import { type NativeSettings, nativeEnvironment } from './environment.ts'
import { nativeLibrary, preloadFile } from './library.ts'
import { packHeader } from './pack.ts'
import { RecordDecoder } from './records.ts'

export interface NativeOptions {
  /** `glibc`, `jemalloc`, `tcmalloc`, `mimalloc`; what `preload` names stands for itself. */
  readonly allocator: string
  /** A library of the user's. */
  readonly preload?: string
  readonly settings?: NativeSettings
  /** End with malloc_info(0), or with the statistics of tcmalloc. */
  readonly mallocInfo?: boolean
  /** Checkpoint (counted from 0) whose heaps are dumped; glibc only. */
  readonly dumpAt?: number
  /** Programs before the replayer's own name, `strace` and its options for one. */
  readonly wrapper?: readonly string[]
  /** Ends the replayer when it is aborted: its records then stop coming, without an error. */
  readonly signal?: AbortSignal
}

/** The replayer's starts until the heap starts at a multiple of 64 KiB: one in eight does. */
const HEAP_TRIES = '1000'

/** Packed ops (pack.ts), in pieces. */
export type TraceParts = Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/** A replayer that died, in its own words: glibc's integrity errors among them. */
export class NativeFailure extends Error {
  override name = 'NativeFailure'
}

/**
 * Replays a trace; gives its records as they come. Leaving the loop early ends the replayer.
 * `BadInput` when the compiler or the library is missing; `NativeFailure` when the replayer dies.
 */
export function replayNative(
  parts: TraceParts,
  options: NativeOptions,
): AsyncGenerator<ReplayRecords> {
  return runReplayer(['trace'], parts, options)
}

/** Any mode of the replayer: `command` and what it reads. */
export async function* runReplayer(
  command: readonly string[],
  parts: TraceParts,
  options: NativeOptions,
): AsyncGenerator<ReplayRecords> {
  const decoder = new RecordDecoder()
  const child = await startReplayer(command, options)
  const { stdin, stdout, stderr } = child
  const exited = once(child, 'close')
  const stop = (): void => void child.kill()
  options.signal?.addEventListener('abort', stop)
  if (options.signal?.aborted === true) stop()
  // A program that cannot be started is told by what waits for its end, further down.
  exited.catch(() => {})
  const complaint = textOf(stderr)
  // A replayer that dies closes its input; what it died of is told by its status, not by EPIPE.
  stdin.on('error', () => {})
  // What cannot be read any further must not leave the replayer waiting for more.
  const fed = feed(stdin, parts).catch((error: unknown) => {
    child.kill()
    return { error }
  })
  try {
    for await (const bytes of stdout) yield decoder.push(bytes as Uint8Array)
    const [code, signal] = await exited
    if (options.signal?.aborted === true) return
    if (child.killed) throw (await fed)?.error
    if (code !== 0) throw new NativeFailure((await complaint) || `ended by ${signal ?? code}`)
    decoder.end()
  } finally {
    options.signal?.removeEventListener('abort', stop)
    child.kill()
  }
}

async function startReplayer(command: readonly string[], options: NativeOptions) {
  const { allocator } = options
  const binary = await nativeReplayer()
  const library =
    options.preload === undefined
      ? await nativeLibrary(allocator)
      : await preloadFile(options.preload)
  const glibc = library === undefined
  const flags = glibc || command[0] !== 'trace' ? [] : ['--plain']
  if (allocator === 'tcmalloc' && command[0] === 'trace') {
    flags.push('--tcmalloc', '--heap-tries', HEAP_TRIES)
  }
  const hasInfo = glibc || flags.includes('--tcmalloc')
  if (options.mallocInfo === true && hasInfo) flags.push('--malloc-info')
  if (options.dumpAt !== undefined) flags.push('--dump-at', String(options.dumpAt))
  const [program = binary, ...rest] = [...(options.wrapper ?? []), binary]
  return spawn(program, [...rest, ...command, ...flags], {
    env: nativeEnvironment(allocator, library, options.settings ?? {}),
    stdio: ['pipe', 'pipe', 'pipe'],
    // Of a process group of its own: Ctrl-C is for whoever reads its records.
    detached: true,
  })
}

async function feed(stdin: Writable, parts: TraceParts): Promise<undefined> {
  stdin.write(packHeader())
  for await (const part of parts) {
    if (stdin.destroyed) return
    if (!stdin.write(part)) await drained(stdin)
  }
  stdin.end()
}

/** Settles when there is room again, or nobody left to read. */
function drained(stdin: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stdin.off('drain', done)
      stdin.off('close', done)
      resolve()
    }
    stdin.on('drain', done)
    stdin.on('close', done)
  })
}

async function textOf(stream: Readable): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return text.trim()
}
