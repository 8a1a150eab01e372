/**
 * Writes samples.ndjson while a run goes on. Never blocks and never lets memory grow: when the disk
 * cannot keep up, samples are left out and counted. When the disk fails, the file ends there, is
 * renamed so that nobody takes it for whole, and the run goes on.
 */
import { closeSync, openSync, renameSync, write } from 'node:fs'
import type { SampleLine } from '../metrics/types.ts'
import type { WaitLine } from '../metrics/wait-reader.ts'
import { diskProblem } from './whole-file.ts'

/** Bytes waiting for the disk beyond which plain samples are left out. */
const QUEUED_MAX = 16 * 1024 * 1024
const PARTIAL = '.partial'

/** Appends all of `chunk` to an open file; the test of a full disk plants another. */
export type Append = (fd: number, chunk: Buffer, done: (error: Error | null) => void) => void

export class SampleWriter {
  readonly #path: string
  readonly #append: Append
  readonly #fd: number
  #queued: string[] = []
  #queuedLength = 0
  #writing = false
  #idle: (() => void)[] = []
  /** Lines that were left out, because the disk was too slow or has failed. */
  dropped = 0
  /** What the disk said when it failed. */
  problem: string | undefined

  /** Creates the file; throws when it cannot. */
  constructor(path: string, append: Append = appendAll) {
    this.#path = path
    this.#append = append
    this.#fd = openSync(path, 'wx')
  }

  write(variant: number, line: SampleLine | WaitLine): void {
    const slow = this.#queuedLength > QUEUED_MAX
    const spare = line.type === 'sample' || line.type === 'waits'
    if (this.problem !== undefined || (slow && spare)) {
      this.dropped++
      return
    }
    const text = `${JSON.stringify({ variant, ...line })}\n`
    this.#queued.push(text)
    this.#queuedLength += text.length
    this.#next()
  }

  /** Waits for what is queued, closes the file, and renames it when it is not whole. */
  async close(): Promise<void> {
    if (this.#writing || this.#queued.length > 0) {
      await new Promise<void>((resolve) => this.#idle.push(resolve))
    }
    closeSync(this.#fd)
    if (this.problem !== undefined) renameSync(this.#path, `${this.#path}${PARTIAL}`)
  }

  #next(): void {
    if (this.#writing || this.#queued.length === 0) return
    const chunk = Buffer.from(this.#queued.join(''))
    this.#queued = []
    this.#queuedLength = 0
    this.#writing = true
    this.#append(this.#fd, chunk, (error) => {
      this.#writing = false
      if (error !== null) this.#fail(error)
      this.#next()
      if (!this.#writing) for (const resolve of this.#idle.splice(0)) resolve()
    })
  }

  #fail(error: Error): void {
    this.problem ??= diskProblem(error)
    this.dropped += this.#queued.length
    this.#queued = []
    this.#queuedLength = 0
  }
}

/** A write may take a part only: the rest follows, until all is written or the disk fails. */
function appendAll(fd: number, chunk: Buffer, done: (error: Error | null) => void): void {
  write(fd, chunk, (error, written) => {
    if (error !== null) done(error)
    else if (written < chunk.length) appendAll(fd, chunk.subarray(written), done)
    else done(null)
  })
}
