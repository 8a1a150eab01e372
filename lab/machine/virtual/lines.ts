/**
 * Who has each 64-byte line of the heap in its cache: the core that wrote it last. A write from
 * another core fetches the line first; fetches of one line follow each other, so a line that many
 * cores write is a queue of its own.
 *
 * With `watch`, data that lab threads write is followed too. A fetch of a line whose last writer
 * wrote another block is **false sharing**: *active* when the allocator gave blocks of one line to
 * lab threads that allocated them themselves, *passive* when one of the line's blocks had been
 * freed by another lab thread than its owner before (E. Berger et al., "Hoard", section 2).
 */
import type { Cores } from './cores.ts'
import type { Costs } from './costs.ts'
import { MemoryChannels } from './memory-channels.ts'

const WORDS_PER_LINE_SHIFT = 4
/** Lines on the move at once are told apart by 2^16 places; a collision only waits longer. */
const BUSY_BITS = 16
/** Spreads lines over the places: those of different arenas differ by powers of two. */
const SPREAD = 0x9e3779b1

export const lineOfWord = (word: number): number => word >>> WORDS_PER_LINE_SHIFT

export class Lines {
  /** Core + 1 that wrote each line last; 0 for nobody. */
  readonly owner: Int16Array
  /** When the last fetch of a line will be over, by place. */
  readonly #busyUntil = new Float64Array(2 ** BUSY_BITS)
  /** With `watch`: the block each line was last written as part of. */
  readonly #writtenAs: Int32Array
  /** With `watch`: 1 for lines of which a block was freed by another lab thread. */
  readonly #freedRemotely: Uint8Array
  /** What is fetched from memory, where that is asked for. */
  readonly #memory: MemoryChannels
  /** By core: the line it fetched last, and writes to it that its store buffer still takes. */
  readonly #bufferedLine: Int32Array
  readonly #bufferedLeft: Int32Array
  readonly #cores: Cores
  readonly #costs: Costs
  transfers = 0
  activeSharing = 0
  passiveSharing = 0

  constructor(heapWords: number, cores: Cores, costs: Costs, watch: boolean) {
    const lines = lineOfWord(heapWords)
    this.owner = new Int16Array(lines)
    this.#writtenAs = new Int32Array(watch ? lines : 0)
    this.#freedRemotely = new Uint8Array(watch ? lines : 0)
    this.#memory = new MemoryChannels(lines, cores, costs, watch)
    this.#bufferedLine = new Int32Array(cores.count).fill(-1)
    this.#bufferedLeft = new Int32Array(cores.count)
    this.#cores = cores
    this.#costs = costs
  }

  /** Must `core`, about to write the line, fetch it? The first to touch a line need not. */
  isAway(line: number, core: number): boolean {
    const owner = this.owner[line]!
    if (owner === 0) {
      // It comes from memory, which is part of what its page fault costs.
      this.owner[line] = core + 1
      if (this.#memory.matter) this.#memory.touchFirst(core, line)
      return false
    }
    if (owner !== core + 1) return true
    return this.#memory.matter && !this.#memory.keeps(core, line)
  }

  /** ns until `core` has the line, from `now` on; 0 when it has it already. */
  fetch(line: number, core: number, now: number): number {
    const owner = this.owner[line]! - 1
    this.owner[line] = core + 1
    this.#bufferedLine[core] = line
    this.#bufferedLeft[core] = this.#costs.storeBuffer
    if (this.#memory.matter) {
      if (!this.#memory.keeps(owner, line)) return this.#memory.fetch(core, line, now)
      if (owner !== core) this.#memory.enter(core, line)
    }
    if (owner === core) return 0
    this.transfers++
    const place = Math.imul(line, SPREAD) >>> (32 - BUSY_BITS)
    const start = Math.max(now, this.#busyUntil[place]!)
    const end = start + this.between(owner, core)
    this.#busyUntil[place] = end
    return end - now
  }

  /**
   * Is a write to the line one that `core` need not wait with? Stores wait in a buffer until their
   * line is there, and while they do the program goes on; when it comes they are all carried out at
   * once. So a line that another core has taken away meanwhile is fetched again only for as many
   * writes as the buffer holds. Counts the write.
   */
  isBuffered(line: number, core: number): boolean {
    if (this.#bufferedLine[core] !== line || this.owner[line] === core + 1) return false
    if (this.#bufferedLeft[core] === 0) return false
    this.#bufferedLeft[core]!--
    return true
  }

  /** ns that a line takes from one core to another. */
  between(from: number, to: number): number {
    if (from === to) return 0
    const { coreTransfer, socketTransfer } = this.#costs
    return this.#cores.sameSocket(from, to) ? coreTransfer : socketTransfer
  }

  /** A lab thread is about to write `line` as part of `block`: counts what it shares it with. */
  noteWrite(line: number, block: number, core: number): void {
    const before = this.#writtenAs[line]!
    const owner = this.owner[line]!
    if (owner !== core + 1 && owner !== 0 && before !== 0 && before !== block) {
      if (this.#freedRemotely[line] === 1) this.passiveSharing++
      else this.activeSharing++
    }
    this.#writtenAs[line] = block
  }

  /** A block that begins in `line` was freed by another lab thread than had allocated it. */
  noteRemoteFree(line: number): void {
    this.#freedRemotely[line] = 1
  }
}
