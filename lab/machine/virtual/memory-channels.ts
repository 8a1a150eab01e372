/**
 * What lies beyond a core's caches: main memory, as a resource that cores share. A core keeps as
 * many lines as its caches hold; the line it fetched first goes first. A line that no core keeps
 * comes from the memory of the socket whose core touched its page first (Linux's default policy),
 * over one of that socket's channels: each line keeps its channel busy for a while, there and
 * back, and requests to a channel follow each other. So cores that live on more data than their
 * caches hold get less of it each, the more they are.
 *
 * Only in runs that follow every line, and only of tables that say how much a core keeps.
 */
import type { Cores } from './cores.ts'
import type { Costs } from './costs.ts'

const LINES_PER_KIB = 16
const LINES_PER_PAGE_SHIFT = 6
/** Spreads neighbouring lines over the channels, as memory controllers do. */
const SPREAD = 0x9e3779b1
const SPREAD_SHIFT = 16

export class MemoryChannels {
  /** False: a core keeps whatever it has fetched. */
  readonly matter: boolean
  readonly #cores: Cores
  readonly #costs: Costs
  readonly #linesKept: number
  /** By core: lines it has fetched so far, modulo 2^32. */
  readonly #fetched: Int32Array
  /** By line: how many its core had fetched when it fetched this one. */
  readonly #number: Int32Array
  /** By page: socket + 1 whose memory it lies in, 0 for a page nobody has touched. */
  readonly #home: Uint8Array
  /** By channel, those of one socket after those of another: when its last line will be over. */
  readonly #busyUntil: Float64Array

  constructor(lines: number, cores: Cores, costs: Costs, watch: boolean) {
    this.matter = watch && costs.cacheKib > 0
    this.#cores = cores
    this.#costs = costs
    this.#linesKept = costs.cacheKib * LINES_PER_KIB
    this.#fetched = new Int32Array(cores.count)
    this.#number = new Int32Array(this.matter ? lines : 0)
    this.#home = new Uint8Array(this.matter ? (lines >>> LINES_PER_PAGE_SHIFT) + 1 : 0)
    this.#busyUntil = new Float64Array(costs.sockets * Math.max(1, costs.channels))
  }

  /** Does `core`, which fetched the line last, still have it? */
  keeps(core: number, line: number): boolean {
    return ((this.#fetched[core]! - this.#number[line]!) | 0) < this.#linesKept
  }

  /** `core` has the line from now on. */
  enter(core: number, line: number): void {
    this.#number[line] = this.#fetched[core] = (this.#fetched[core]! + 1) | 0
  }

  /** Somebody touches a line for the first time: its page may be new as well. */
  touchFirst(core: number, line: number): void {
    const page = line >>> LINES_PER_PAGE_SHIFT
    if (this.#home[page] === 0) this.#home[page] = this.#cores.socketOf(core) + 1
    this.enter(core, line)
  }

  /** ns until `core` has a line that nobody keeps, from `now` on. */
  fetch(core: number, line: number, now: number): number {
    const { channels, channelLine, memory, memoryFar } = this.#costs
    const home = Math.max(0, this.#home[line >>> LINES_PER_PAGE_SHIFT]! - 1)
    const spread = Math.imul(line, SPREAD) >>> SPREAD_SHIFT
    const channel = home * channels + (spread % channels)
    const start = Math.max(now, this.#busyUntil[channel]!)
    this.#busyUntil[channel] = start + channelLine
    this.enter(core, line)
    return start - now + (home === this.#cores.socketOf(core) ? memory : memoryFar)
  }
}
