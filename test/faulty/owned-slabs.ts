/**
 * A small design after Hoard (Berger et al., ASPLOS 2000): blocks lie in slabs, a slab belongs to
 * the heap of a thread, and an empty slab is handed on through the global heap to whichever heap
 * asks next. Who frees a block takes the lock of the heap that owns its slab. The slab may have
 * been handed on before that lock was had, so the owner is looked at again.
 *
 * Sound as `owned-slabs`; its twins have one thing wrong.
 */
import {
  type Block,
  bytesOfWords,
  type Design,
  MappingKind,
  type Process,
  Protection,
  type ThreadHeap,
  type ThreadInfo,
  type WordIndex,
} from 'arena-lab'

type LockId = Parameters<Process['lock']>[1]

const BLOCK_WORDS = 128
const SLAB_BLOCKS = 4
const SLAB_HEAD_WORDS = 4
const SLAB_WORDS = 1024
/** Heap 0 is the global one; threads share the others by seat. */
const HEAPS = 4
const HEAP_WORDS = 8
/** Words of a heap: its lock, the lock's id, its first slab. */
const Heap = { LOCK: 0, LOCK_ID: 1, SLABS: 2 } as const
/** Words at the start of a slab. */
const Slab = { OWNER: 0, NEXT: 1, FREE: 2, USED: 3 } as const

/** What a twin does wrong. */
export type SlabFault =
  | 'none'
  /** Free reads the owner of a slab before it has the owner's lock, and not again. */
  | 'owner read early'
  /** Free takes the lock of its own heap while it holds another's. */
  | 'locks without order'

export const ownedSlabs = (name: string, fault: SlabFault): Design => ({
  name,
  summary: 'Slabs that belong to heaps and are handed on when they are empty.',
  tunables: {},
  dataBytes: 4096,
  boot(process) {
    process.touch(process.dataStart)
    for (let heap = 0; heap < HEAPS; heap++) {
      const at = heapAt(process, heap)
      process.words[at + Heap.LOCK_ID] = process.makeLock(at, `heap ${heap}`)
    }
  },
  attach: (process, _tunables, thread) => new SlabHeap(process, thread, fault),
  inspect: () => ({
    design: name,
    partial: false,
    arenas: [],
    mappedBlocks: 0,
    mappedBytes: 0,
    totals: {},
  }),
  check: (process) => checkSlabs(process),
})

const heapAt = (process: Process, heap: number): WordIndex =>
  (process.dataStart + heap * HEAP_WORDS) as WordIndex

/** Every slab of a heap's list says that it is this heap's, and counts its free blocks rightly. */
function checkSlabs({ words, dataStart }: Process): { invariant: string; where: string }[] {
  for (let heap = 0; heap < HEAPS; heap++) {
    let slabs = 0
    const first = words[dataStart + heap * HEAP_WORDS + Heap.SLABS]!
    for (let slab = first; slab !== 0; slab = words[slab + Slab.NEXT]!) {
      let free = 0
      for (let b = words[slab + Slab.FREE]!; b !== 0 && free <= SLAB_BLOCKS; b = words[b]!) free++
      const sound = free + words[slab + Slab.USED]! === SLAB_BLOCKS
      const owned = words[slab + Slab.OWNER] === heap
      if (!sound || !owned || ++slabs > 1000) {
        return [{ invariant: 'a slab in a list is owned and counted', where: `heap ${heap}` }]
      }
    }
  }
  return []
}

class SlabHeap implements ThreadHeap {
  readonly #process: Process
  readonly #own: number
  readonly #fault: SlabFault

  constructor(process: Process, thread: ThreadInfo, fault: SlabFault) {
    this.#process = process
    this.#own = 1 + (thread.seat % (HEAPS - 1))
    this.#fault = fault
  }

  malloc(bytes: number): Block {
    if (bytes > bytesOfWords(BLOCK_WORDS)) return 0 as Block
    this.#lock(this.#own)
    const { words } = this.#process
    let slab = words[this.#slabsOf(this.#own)]!
    while (slab !== 0 && words[slab + Slab.FREE] === 0) slab = words[slab + Slab.NEXT]!
    if (slab === 0) slab = this.#adopt()
    const block = slab === 0 ? 0 : words[slab + Slab.FREE]!
    if (slab !== 0) {
      words[slab + Slab.FREE] = words[block]!
      words[slab + Slab.USED] = words[slab + Slab.USED]! + 1
    }
    this.#unlock(this.#own)
    return block as Block
  }

  free(block: Block): void {
    if (block === 0) return
    const { words } = this.#process
    const slab = block - (block % SLAB_WORDS)
    let owner = words[slab + Slab.OWNER]!
    this.#lock(owner)
    while (this.#fault !== 'owner read early' && words[slab + Slab.OWNER] !== owner) {
      this.#unlock(owner)
      owner = words[slab + Slab.OWNER]!
      this.#lock(owner)
    }
    if (this.#fault === 'locks without order' && owner !== 0 && owner !== this.#own) {
      this.#lock(this.#own)
      this.#unlock(this.#own)
    }
    words[block] = words[slab + Slab.FREE]!
    words[slab + Slab.FREE] = block
    words[slab + Slab.USED] = words[slab + Slab.USED]! - 1
    // A slab of mostly free blocks is of more use to others: blocks in use may go with it.
    if (words[slab + Slab.USED]! <= 1 && owner !== 0) this.#handOn(slab, owner)
    this.#unlock(owner)
  }

  /** To the global heap. Needs the owner's lock. */
  #handOn(slab: number, owner: number): void {
    const { words } = this.#process
    let link = this.#slabsOf(owner)
    while (words[link] !== slab && words[link] !== 0) link = words[link]! + Slab.NEXT
    if (words[link] === 0) this.#process.abort('a slab is not in the list of its owner')
    words[link] = words[slab + Slab.NEXT]!
    this.#lock(0)
    words[slab + Slab.OWNER] = 0
    words[slab + Slab.NEXT] = words[this.#slabsOf(0)]!
    words[this.#slabsOf(0)] = slab
    this.#unlock(0)
  }

  /** A slab from the global heap, or a new one, for the own heap, whose lock is held. */
  #adopt(): number {
    const { words } = this.#process
    this.#lock(0)
    let link = this.#slabsOf(0)
    while (words[link] !== 0 && words[words[link]! + Slab.FREE] === 0) {
      link = words[link]! + Slab.NEXT
    }
    const slab = words[link]! === 0 ? this.#newSlab() : words[link]!
    if (words[link] === slab) words[link] = words[slab + Slab.NEXT]!
    if (slab !== 0) {
      words[slab + Slab.OWNER] = this.#own
      words[slab + Slab.NEXT] = words[this.#slabsOf(this.#own)]!
      words[this.#slabsOf(this.#own)] = slab
    }
    this.#unlock(0)
    return slab
  }

  #newSlab(): number {
    const { words } = this.#process
    const slab = this.#process.mmap(
      0 as WordIndex,
      bytesOfWords(SLAB_WORDS),
      Protection.READ_WRITE,
      MappingKind.SPAN,
    )
    if (slab === 0) return 0
    this.#process.touch(slab)
    for (let i = SLAB_BLOCKS - 1; i >= 0; i--) {
      const block = slab + SLAB_HEAD_WORDS + i * BLOCK_WORDS
      words[block] = words[slab + Slab.FREE]!
      words[slab + Slab.FREE] = block
    }
    return slab
  }

  #slabsOf(heap: number): number {
    return heapAt(this.#process, heap) + Heap.SLABS
  }
  #lock(heap: number): void {
    const at = heapAt(this.#process, heap)
    this.#process.lock(at, this.#process.words[at + Heap.LOCK_ID] as LockId)
  }
  #unlock(heap: number): void {
    const at = heapAt(this.#process, heap)
    this.#process.unlock(at, this.#process.words[at + Heap.LOCK_ID] as LockId)
  }

  calloc(count: number, bytes: number): Block {
    return this.malloc(count * bytes)
  }
  /** Blocks are all of one size. */
  realloc(block: Block, bytes: number): Block {
    return block === 0 ? this.malloc(bytes) : block
  }
  memalign(_alignment: number, bytes: number): Block {
    return this.malloc(bytes)
  }
  usableSize(): number {
    return bytesOfWords(BLOCK_WORDS)
  }
  trim(): boolean {
    return false
  }
  exit(): void {}
}

export default ownedSlabs('owned-slabs', 'none')
