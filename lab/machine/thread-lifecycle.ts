/**
 * What glibc does around malloc when threads come and go, as it moves memory too: each new thread
 * gets a stack mapping and a DTV (a calloc in the starter); an ended thread's stack goes to the
 * stack cache, newest first, and the oldest is given up, with its DTV, when the cache is over its
 * limit. Follows glibc 2.36: nptl/allocatestack.c (get_cached_stack, allocate_stack),
 * nptl/nptl-stack.c (queue_stack, __nptl_free_stacks), elf/dl-tls.c (allocate_dtv).
 *
 * The state lies in the control buffer, so that any lab thread may start and join others:
 * a mutex and a count, the stacks of the seats, then the cache from its oldest to its newest entry.
 */
import type { ThreadHeap } from '../../allocators/contract.ts'
import type { AddressSpace } from '../memory/address-space.ts'
import { futexWait } from '../sync/futex.ts'
import { type Control, STACK_CACHE_MAX, STACK_ENTRY_WORDS, STACK_HEAD } from '../words/control.ts'
import {
  BLOCK_NULL,
  type Block,
  bytesOfPages,
  PAGE_BYTES,
  pagesOfBytes,
  type SharedWords,
} from '../words/units.ts'

/** Elements of a new DTV beside one for each module: a surplus of 14, and two for its own head. */
const DTV_ELEMENTS_EXTRA = 16
/** Modules with thread-local storage where the design does not say: libc. */
const TLS_MODULES_LEAST = 1
const DTV_ELEMENT_BYTES = 16
/** __nptl_stack_cache_maxsize. */
const STACK_CACHE_BYTES_MAX = 40 * 1024 * 1024
const GUARD_PAGES = 1
/** What a thread touches of its stack before it does anything: its TCB and its first frames. */
const STACK_BYTES_TOUCHED = 2 * PAGE_BYTES
/** A cached stack more than so many times too large is not reused. */
const EXCESS_MAX = 4

const Entry = { MAPPING: 0, PAGES: 1, DTV: 2 } as const
const Head = { MUTEX: 0, CACHED: 1 } as const
const SLICE_MS = 50

export class ThreadLifecycle {
  readonly #words: SharedWords
  readonly #head: number
  readonly #seats: number
  readonly #cache: number
  readonly #space: AddressSpace
  readonly #dtvElements: number

  /** `tlsModules` as the design has it. */
  constructor(control: Control, space: AddressSpace, tlsModules = TLS_MODULES_LEAST) {
    this.#dtvElements = DTV_ELEMENTS_EXTRA + tlsModules
    this.#words = control.int32
    this.#head = control.plan.at.stacks / 4
    this.#seats = this.#head + STACK_HEAD
    this.#cache = this.#seats + control.plan.seats * STACK_ENTRY_WORDS
    this.#space = space
  }

  /** Will `start` map a new stack? False when one in the cache fits. */
  needsStack(stackBytes: number): boolean {
    return this.#findCached(pagesOfBytes(stackBytes) + GUARD_PAGES) < 0
  }

  /**
   * pthread_create's part before the thread runs: a stack, from the cache or new, and a DTV from
   * the starter's own heap when the stack is new. False when either cannot be had (EAGAIN).
   */
  start(seat: number, starter: ThreadHeap, stackBytes: number): boolean {
    const pages = pagesOfBytes(stackBytes) + GUARD_PAGES
    const own = this.#seatEntry(seat)
    this.#lock()
    const cached = this.#findCached(pages)
    if (cached >= 0) this.#takeCached(cached, own)
    this.#unlock()
    if (cached >= 0) return true
    const mapping = this.#space.mapStack(bytesOfPages(pages - GUARD_PAGES))
    if (mapping === 0) return false
    const dtv = starter.calloc(this.#dtvElements, DTV_ELEMENT_BYTES)
    if (dtv === BLOCK_NULL) {
      this.#space.unmapStack(mapping)
      return false
    }
    this.#space.residentOutside(STACK_BYTES_TOUCHED)
    this.#words[own + Entry.MAPPING] = mapping
    this.#words[own + Entry.PAGES] = pages
    this.#words[own + Entry.DTV] = dtv
    return true
  }

  /**
   * pthread_join's part: the stack is queued; what falls out of the cache is freed by the joiner.
   */
  retire(seat: number, joiner: ThreadHeap): void {
    const own = this.#seatEntry(seat)
    if (this.#words[own + Entry.MAPPING] === 0) return
    this.#lock()
    const cached = this.#words[this.#head + Head.CACHED]!
    if (cached === STACK_CACHE_MAX) throw new Error('the stack cache is full')
    this.#copy(own, this.#cacheEntry(cached))
    this.#words[own + Entry.MAPPING] = 0
    this.#words[this.#head + Head.CACHED] = cached + 1
    while (this.#cachedBytes() > STACK_CACHE_BYTES_MAX) this.#giveUpOldest(joiner)
    this.#unlock()
  }

  #findCached(pages: number): number {
    let best = -1
    let bestPages = 0
    for (let i = this.#words[this.#head + Head.CACHED]! - 1; i >= 0; i--) {
      const size = this.#words[this.#cacheEntry(i) + Entry.PAGES]!
      if (size === pages) return i
      if (size > pages && (best < 0 || size < bestPages)) {
        best = i
        bestPages = size
      }
    }
    return best >= 0 && bestPages <= EXCESS_MAX * pages ? best : -1
  }

  #takeCached(index: number, own: number): void {
    this.#copy(this.#cacheEntry(index), own)
    this.#removeCached(index)
  }

  #giveUpOldest(joiner: ThreadHeap): void {
    const oldest = this.#cacheEntry(0)
    const mapping = this.#words[oldest + Entry.MAPPING]!
    const dtv = this.#words[oldest + Entry.DTV]! as Block
    this.#removeCached(0)
    // The DTV goes first, as in __nptl_free_stacks.
    joiner.free(dtv)
    this.#space.unmapStack(mapping)
    this.#space.residentOutside(-STACK_BYTES_TOUCHED)
  }

  #removeCached(index: number): void {
    const cached = this.#words[this.#head + Head.CACHED]! - 1
    const after = this.#cacheEntry(index + 1)
    this.#words.copyWithin(this.#cacheEntry(index), after, this.#cacheEntry(cached + 1))
    this.#words[this.#head + Head.CACHED] = cached
  }

  #cachedBytes(): number {
    let pages = 0
    for (let i = 0; i < this.#words[this.#head + Head.CACHED]!; i++) {
      pages += this.#words[this.#cacheEntry(i) + Entry.PAGES]!
    }
    return bytesOfPages(pages)
  }

  #copy(from: number, to: number): void {
    this.#words.copyWithin(to, from, from + STACK_ENTRY_WORDS)
  }

  #seatEntry(seat: number): number {
    return this.#seats + seat * STACK_ENTRY_WORDS
  }
  #cacheEntry(index: number): number {
    return this.#cache + index * STACK_ENTRY_WORDS
  }

  /** glibc's stack_cache_lock; not one of the modelled process's, as it is never held for long. */
  #lock(): void {
    while (Atomics.exchange(this.#words, this.#head + Head.MUTEX, 1) !== 0) {
      futexWait(this.#words, this.#head + Head.MUTEX, 1, SLICE_MS)
    }
  }
  #unlock(): void {
    Atomics.store(this.#words, this.#head + Head.MUTEX, 0)
    Atomics.notify(this.#words, this.#head + Head.MUTEX, 1)
  }
}
