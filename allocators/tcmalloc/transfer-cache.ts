/**
 * The transfer cache: whole batches of blocks on their way from one thread's cache to another's,
 * kept as chains so that nobody has to walk them. Each class has some slots; a class that needs
 * more takes one from another class. It shares the central free list's lock.
 * Follows gperftools 2.10, src/central_freelist.cc (InsertRange, RemoveRange, MakeCacheSpace).
 */
import { Event } from '../../lab/words/events.ts'
import type { WordIndex } from '../../lab/words/units.ts'
import type { Process } from '../contract.ts'
import type { CentralFreeLists } from './central-free-list.ts'
import { Central, SLOT_WORDS, SLOTS_LIMIT, Slot } from './central-layout.ts'
import type { SizeMap } from './size-class.ts'
import { Static } from './static-layout.ts'

/** Slots a class starts with. */
const SLOTS_AT_START = 16
/** A class's slots hold at most this much, or one batch. */
const CLASS_BYTES_MAX = 1024 * 1024

export class TransferCache {
  readonly central: CentralFreeLists
  readonly #process: Process
  readonly #words: Process['words']
  readonly #sizes: SizeMap

  constructor(process: Process, sizes: SizeMap, central: CentralFreeLists) {
    this.central = central
    this.#process = process
    this.#words = process.words
    this.#sizes = sizes
  }

  /** CentralFreeList::Init */
  boot(sizeClass: number): void {
    this.central.boot(sizeClass)
    let slotsMax = SLOTS_LIMIT
    let slots = SLOTS_AT_START
    if (sizeClass > 0) {
      const batchBytes = this.#sizes.classBytes[sizeClass]! * this.#sizes.batchSize[sizeClass]!
      slotsMax = Math.min(slotsMax, Math.max(1, Math.floor(CLASS_BYTES_MAX / batchBytes)))
      slots = Math.min(slots, slotsMax)
    }
    const central = this.central.of(sizeClass)
    this.#words[central + Central.SLOTS_MAX] = slotsMax
    this.#words[central + Central.SLOT_COUNT] = slots
  }

  /** InsertRange: takes a chain of `count` blocks, from `head` to `tail`, ending in 0. */
  insert(sizeClass: number, head: WordIndex, tail: WordIndex, count: number): void {
    this.#process.count(Event.CACHE_FLUSH)
    this.central.lock(sizeClass)
    if (count === this.#sizes.batchSize[sizeClass] && this.#makeSpace(sizeClass)) {
      const words = this.#words
      const central = this.central.of(sizeClass)
      const slot = this.#slot(central, words[central + Central.USED_SLOTS]!)
      words[slot + Slot.HEAD] = head
      words[slot + Slot.TAIL] = tail
      words[central + Central.USED_SLOTS]!++
    } else {
      this.central.releaseChain(sizeClass, head)
    }
    this.central.unlock(sizeClass)
  }

  /** Blocks in the chain that `remove` returned last. */
  removedCount = 0

  /**
   * RemoveRange: a chain of up to `count` blocks ending in 0; its first block, or WORD_NULL when
   * there is no memory. `removedCount` says how many. A whole batch may come from a slot.
   */
  remove(sizeClass: number, count: number): WordIndex {
    const words = this.#words
    const central = this.central.of(sizeClass)
    this.#process.count(Event.CACHE_REFILL)
    this.central.lock(sizeClass)
    if (count === this.#sizes.batchSize[sizeClass] && words[central + Central.USED_SLOTS]! > 0) {
      words[central + Central.USED_SLOTS]!--
      const slot = this.#slot(central, words[central + Central.USED_SLOTS]!)
      this.removedCount = count
      const head = words[slot + Slot.HEAD] as WordIndex
      this.central.unlock(sizeClass)
      return head
    }
    const head = this.central.fetch(sizeClass, count)
    this.removedCount = this.central.fetchedCount
    this.central.unlock(sizeClass)
    return head
  }

  /** MakeCacheSpace: is there a free slot, or can one be had from another class? */
  #makeSpace(sizeClass: number): boolean {
    const words = this.#words
    const central = this.central.of(sizeClass)
    if (words[central + Central.USED_SLOTS]! < words[central + Central.SLOT_COUNT]!) return true
    if (words[central + Central.SLOT_COUNT] === words[central + Central.SLOTS_MAX]) return false
    if (!this.#evictFromAnother(sizeClass, false) && !this.#evictFromAnother(sizeClass, true)) {
      return false
    }
    // Our lock was dropped meanwhile: the number of slots may have reached its limit.
    if (words[central + Central.SLOT_COUNT]! >= words[central + Central.SLOTS_MAX]!) return false
    words[central + Central.SLOT_COUNT]!++
    return true
  }

  /** EvictRandomSizeClass: the classes take turns; the turn is counted without a lock. */
  #evictFromAnother(sizeClass: number, force: boolean): boolean {
    const words = this.#words
    const counter = this.#process.dataStart + Static.EVICT_COUNTER
    let victim = words[counter]!
    words[counter] = victim + 1
    if (victim >= this.#sizes.classCount) {
      victim %= this.#sizes.classCount
      words[counter] = victim
    }
    if (victim === sizeClass) return false
    return this.#shrink(victim, sizeClass, force)
  }

  /**
   * ShrinkCache: takes a slot from `victim`; a used one, whose blocks go back to their spans, only
   * by force. Called with the lock of `lockedClass`, which is dropped meanwhile: a thread never
   * holds two of these locks, as they have no order.
   */
  #shrink(victim: number, lockedClass: number, force: boolean): boolean {
    const words = this.#words
    const central = this.central.of(victim)
    const slots = words[central + Central.SLOT_COUNT]!
    if (slots === 0) return false
    if (!force && words[central + Central.USED_SLOTS] === slots) return false

    this.central.unlock(lockedClass)
    this.central.lock(victim)
    const shrunk = this.#shrinkLocked(victim, central, force)
    this.central.unlock(victim)
    this.central.lock(lockedClass)
    return shrunk
  }

  #shrinkLocked(victim: number, central: WordIndex, force: boolean): boolean {
    const words = this.#words
    const slots = words[central + Central.SLOT_COUNT]!
    const used = words[central + Central.USED_SLOTS]!
    if (slots === 0) return false
    if (used < slots) {
      words[central + Central.SLOT_COUNT] = slots - 1
      return true
    }
    if (!force) return false
    words[central + Central.SLOT_COUNT] = slots - 1
    words[central + Central.USED_SLOTS] = used - 1
    const head = words[this.#slot(central, used - 1) + Slot.HEAD] as WordIndex
    this.central.releaseChain(victim, head)
    return true
  }

  #slot(central: WordIndex, index: number): number {
    return central + Central.SLOTS + index * SLOT_WORDS
  }
}
