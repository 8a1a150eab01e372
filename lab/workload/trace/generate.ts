/**
 * Random traces that go everywhere: all ops, sizes of every bin, threads that start and exit,
 * frees by others, requests that must fail, checkpoints. The same seed gives the same trace on
 * every Node.
 *
 * A trace moves through **moods**: for a while it mostly fills, or drains, takes the newest block
 * or the oldest, and may keep to one size. Fills and drains move tops and heaps; one size fills
 * tcache bins and the stashes behind them; the order decides which chunks meet and merge.
 */
import { KIB, MIB } from '../../words/units.ts'
import { RandomStream } from '../random.ts'
import { BlockList, type LiveBlock, Pick } from './block-list.ts'
import { isRefused, TRACE_THREADS_MAX } from './format.ts'
import { PROFILES, type Profile, type ProfileName } from './profiles.ts'
import { TraceWriter } from './writer.ts'

export interface GenerateOptions {
  readonly seed: number
  /** Threads alive at once at most, the main thread included. */
  readonly threads: number
  /** Op lines, checkpoints included. */
  readonly ops: number
  readonly profile: ProfileName
  /** Requested bytes live at once; 256 MiB when absent. */
  readonly liveBytesMax?: number
  /**
   * The least mmap threshold the trace is meant for; 128 KiB when absent. Alignments over a page
   * stay off requests that may be mapped, where the real outcome is random.
   */
  readonly mmapThreshold?: number
}

const LIVE_BYTES_MAX = 256 * MIB
const MMAP_THRESHOLD = 128 * KIB
const TAKE_BYTES = 256 * KIB
/** One allocation in so many asks for what no host has. */
const REFUSED_ONE_IN = 1500
/** At most so many checkpoints, spread evenly, and one at the end. */
const CHECKPOINTS = 40
const CHECKPOINT_OPS_MIN = 100
const TRIM_PADS = [0, 1, 4096, 65_536, 1_000_000]

/** The text of a trace, in pieces. */
export function* generateTrace(options: GenerateOptions): Generator<Uint8Array, void, void> {
  const generator = new TraceGenerator(options)
  while (generator.step()) {
    if (generator.out.pending >= TAKE_BYTES) yield generator.out.take()
  }
  yield generator.out.take()
}

/** A thread that is alive. */
interface LiveThread {
  readonly number: number
  readonly blocks: BlockList
}

/** How the trace behaves for a while. */
interface Mood {
  opsLeft: number
  /** Allocations and frees happen so many times as often as the profile says. */
  readonly fill: number
  readonly drain: number
  readonly pick: Pick
  /** The one size it keeps to for three allocations in four; -1 for none. */
  readonly size: number
}

class TraceGenerator {
  readonly out = new TraceWriter()
  readonly #options: GenerateOptions
  readonly #profile: Profile
  readonly #random: RandomStream
  readonly #liveBytesMax: number
  readonly #threads: LiveThread[] = [{ number: 0, blocks: new BlockList() }]
  /** Numbers of ended threads, for new ones. */
  readonly #endedNumbers: number[] = []
  #nextNumber = 1
  /** Blocks of threads that have ended: anybody may free them. */
  readonly #orphans = new BlockList()
  #nextBlock = 0
  #liveBlocks = 0
  #liveBytes = 0
  #ops = 0
  #mood: Mood = { opsLeft: 0, fill: 1, drain: 1, pick: Pick.ANY, size: -1 }
  #current: LiveThread
  #turnLeft = 0

  constructor(options: GenerateOptions) {
    this.#options = options
    this.#profile = PROFILES[options.profile]
    this.#liveBytesMax = options.liveBytesMax ?? LIVE_BYTES_MAX
    const role = `trace ${options.profile}`
    this.#random = new RandomStream({ seed: options.seed, role, index: 0, generation: 0 })
    this.#current = this.#threads[0]!
    const { seed, threads, ops, profile } = options
    this.out.comment(`arena-lab trace generate: seed ${seed}, profile ${profile}`)
    this.out.comment(`up to ${threads} threads at once, ${ops} ops`)
  }

  /** One op; false once all are out. */
  step(): boolean {
    const { ops } = this.#options
    if (this.#ops >= ops) return false
    this.#ops++
    const every = Math.max(CHECKPOINT_OPS_MIN, Math.floor(ops / CHECKPOINTS))
    if (this.#ops === ops || this.#ops % every === 0) {
      this.out.checkpoint()
      return true
    }
    if (--this.#mood.opsLeft < 0) this.#mood = this.#newMood()
    if (--this.#turnLeft < 0) this.#nextTurn()
    this.#op()
    return true
  }

  #newMood(): Mood {
    const random = this.#random
    const opsLeft = random.range(50, Math.max(100, Math.floor(this.#options.ops / 25)))
    const leaning = random.below(4)
    return {
      opsLeft,
      fill: leaning === 0 ? 3 : 1,
      drain: leaning === 1 ? 3 : 1,
      pick: [Pick.NEWEST, Pick.OLDEST, Pick.ANY][random.below(3)]!,
      size: random.chance(1, 4) ? random.pick(this.#profile.sizes) : -1,
    }
  }

  /** Another thread's turn, perhaps that of a new one. */
  #nextTurn(): void {
    const random = this.#random
    this.#turnLeft = random.range(1, this.#profile.turnOpsMax)
    const mayStart = this.#threads.length < this.#options.threads
    if (mayStart && random.chance(1, 4)) this.#threads.push(this.#newThread())
    this.#current = this.#threads[random.below(this.#threads.length)]!
  }

  /** Half of the new threads get the number of one that has ended. */
  #newThread(): LiveThread {
    const ended = this.#endedNumbers
    const most = Math.min(TRACE_THREADS_MAX, 8 * this.#options.threads)
    const again = this.#nextNumber >= most || this.#random.chance(1, 2)
    if (again && ended.length > 0) {
      const place = this.#random.below(ended.length)
      const number = ended[place]!
      ended[place] = ended.at(-1)!
      ended.pop()
      return { number, blocks: new BlockList() }
    }
    return { number: this.#nextNumber++, blocks: new BlockList() }
  }

  #op(): void {
    const { weights, blocksMax } = this.#profile
    const isFull = this.#liveBlocks >= blocksMax || this.#liveBytes >= this.#liveBytesMax
    const fill = isFull ? 0 : this.#mood.fill
    const drain = this.#mood.drain
    let drawn = this.#random.below(
      fill * (weights.malloc + weights.calloc + weights.memalign) +
        drain * weights.free +
        weights.realloc +
        weights.write +
        weights.trim +
        weights.exit,
    )
    const { number } = this.#current
    if ((drawn -= fill * weights.malloc) < 0) this.#malloc()
    else if ((drawn -= fill * weights.calloc) < 0) this.#calloc()
    else if ((drawn -= fill * weights.memalign) < 0) this.#memalign()
    else if ((drawn -= drain * weights.free) < 0) this.#free()
    else if ((drawn -= weights.realloc) < 0) this.#realloc()
    else if ((drawn -= weights.write) < 0) this.#write()
    else if ((drawn -= weights.trim) < 0) this.out.trim(number, this.#trimPad())
    else this.#exit()
  }

  // ── allocations ────────────────────────────────────────────────────────────────────────────

  #malloc(): void {
    const bytes = this.#isRefusal() ? this.#refusedSize() : this.#size()
    this.out.malloc(this.#current.number, this.#nextBlock, bytes)
    this.#born(bytes)
  }

  #calloc(): void {
    const random = this.#random
    const { number } = this.#current
    if (this.#isRefusal()) {
      // One time in two the product is beyond 64 bits.
      const half = random.chance(1, 2) ? 2 ** 40 : 2 ** 25
      this.out.calloc(number, this.#nextBlock, half, half)
      this.#born(half * half)
      return
    }
    const bytes = this.#size()
    const count = random.range(1, random.chance(1, 2) ? 1 : 64)
    const each = Math.floor(bytes / count)
    this.out.calloc(number, this.#nextBlock, count, each)
    this.#born(count * each)
  }

  #memalign(): void {
    const random = this.#random
    let bytes = this.#isRefusal() ? this.#refusedSize() : this.#size()
    let alignment = 2 ** random.range(0, 12)
    if (random.chance(1, 5)) {
      const wide = 2 ** random.range(13, 16)
      const room = (this.#options.mmapThreshold ?? MMAP_THRESHOLD) - wide - 4096
      if (room > 0) {
        alignment = wide
        bytes = Math.min(bytes, room)
      }
    }
    this.out.memalign(this.#current.number, this.#nextBlock, alignment, bytes)
    this.#born(bytes)
  }

  #size(): number {
    const { size } = this.#mood
    const wanted = size >= 0 && this.#random.chance(3, 4) ? size : this.#draw()
    const room = Math.max(0, this.#liveBytesMax - this.#liveBytes)
    return Math.min(wanted, room)
  }

  #draw(): number {
    return this.#random.pick(this.#profile.sizes)
  }

  #isRefusal(): boolean {
    return this.#random.chance(1, REFUSED_ONE_IN)
  }

  /** From 2^48 to just below 2^64; PTRDIFF_MAX lies in the middle. */
  #refusedSize(): number {
    const random = this.#random
    const power = 2 ** random.range(48, 63)
    return power + random.below(1024) * (power / 1024)
  }

  #born(bytes: number): void {
    const isNull = isRefused(bytes)
    this.#current.blocks.add({ number: this.#nextBlock++, bytes: isNull ? -1 : bytes })
    this.#liveBlocks++
    if (!isNull) this.#liveBytes += bytes
  }

  // ── ops on live blocks ─────────────────────────────────────────────────────────────────────

  #free(): void {
    const list = this.#listFor(this.#profile.remotePermille)
    if (list === undefined) {
      this.#malloc()
      return
    }
    const block = list.take(this.#place(list))
    this.out.free(this.#current.number, block.number)
    this.#ended(block)
  }

  #realloc(): void {
    const list = this.#listFor(Math.floor(this.#profile.remotePermille / 2))
    if (list === undefined) {
      this.#malloc()
      return
    }
    const place = this.#place(list)
    const block = list.at(place)
    const bytes = this.#isRefusal() ? this.#refusedSize() : this.#newSize(block)
    const grown = bytes - Math.max(0, block.bytes)
    if (!isRefused(bytes) && this.#liveBytes + grown > this.#liveBytesMax) {
      // An empty block has no size to shrink to, and there is no room for the least one.
      this.#free()
      return
    }
    this.out.realloc(this.#current.number, block.number, bytes)
    if (isRefused(bytes)) return
    if (bytes === 0) {
      this.#ended(list.take(place))
      return
    }
    this.#liveBytes += grown
    block.bytes = bytes
  }

  /** Grows a little or a lot, shrinks, or is another size; 0 frees (never a NULL block). */
  #newSize(block: LiveBlock): number {
    const random = this.#random
    const old = Math.max(1, block.bytes)
    const room = Math.max(0, this.#liveBytesMax - this.#liveBytes)
    const drawn = random.below(100)
    if (drawn < 4 && block.bytes >= 0) return 0
    if (drawn < 40) return Math.min(old + random.range(0, Math.floor(old / 2) + 32), old + room)
    if (drawn < 50) return Math.min(2 * old + random.below(64), old + room, 64 * MIB)
    if (drawn < 75) return random.range(1, old)
    return Math.max(1, Math.min(this.#draw(), old + room))
  }

  #write(): void {
    const list = this.#listFor(Math.floor(this.#profile.remotePermille / 4))
    if (list === undefined) this.#malloc()
    else this.out.write(this.#current.number, list.at(this.#place(list)).number)
  }

  /** A list to take a block from: the thread's own, or another's; undefined: none has any. */
  #listFor(remotePermille: number): BlockList | undefined {
    const random = this.#random
    const own = this.#current.blocks
    const isRemote = random.chance(remotePermille, 1000)
    if (!isRemote && own.count > 0) return own
    const other = random.below(this.#threads.length + 1)
    const list = this.#threads[other]?.blocks ?? this.#orphans
    if (list.count > 0) return list
    return [own, this.#orphans, ...this.#threads.map((thread) => thread.blocks)].find(
      (candidate) => candidate.count > 0,
    )
  }

  #place(list: BlockList): number {
    return list.place(this.#mood.pick, this.#random.below(list.count))
  }

  #ended(block: LiveBlock): void {
    this.#liveBlocks--
    this.#liveBytes -= Math.max(0, block.bytes)
  }

  #trimPad(): number {
    return TRIM_PADS[this.#random.below(TRIM_PADS.length)]!
  }

  #exit(): void {
    const place = this.#threads.indexOf(this.#current)
    if (place === 0) {
      this.#free()
      return
    }
    this.out.exit(this.#current.number)
    this.#endedNumbers.push(this.#current.number)
    this.#orphans.addAll(this.#current.blocks)
    this.#threads[place] = this.#threads.at(-1)!
    this.#threads.pop()
    this.#turnLeft = 0
    this.#nextTurn()
  }
}
