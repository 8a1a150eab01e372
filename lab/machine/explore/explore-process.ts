/**
 * The process as designs see it on the explore machine: words that are watched, and locks, atomics
 * and system calls at which others may run. What a lock does to its word and its figures is left to
 * lab/sync: here it is only taken when it is free.
 */
import type { LockId } from '../../../allocators/contract.ts'
import { AddressSpace, type KernelLock } from '../../memory/address-space.ts'
import { KernelMutex, Locks } from '../../sync/locks.ts'
import type { SharedWords, WordIndex } from '../../words/units.ts'
import { type Clock, createSelf, LabProcess } from '../process.ts'
import type { SharedRun } from '../shared-run.ts'
import { Access } from './access.ts'
import type { Scheduler } from './scheduler.ts'

export class ExploreProcess extends LabProcess {
  readonly #scheduler: Scheduler
  readonly #heap: SharedWords
  readonly #taken: Locks

  private constructor(
    parts: ConstructorParameters<typeof LabProcess>[0],
    heap: SharedWords,
    scheduler: Scheduler,
  ) {
    super(parts)
    this.#heap = heap
    this.#taken = parts.locks
    this.#scheduler = scheduler
  }

  /** `words` is the watched view of the run's heap. */
  static open(
    run: SharedRun,
    words: SharedWords,
    scheduler: Scheduler,
    clock: Clock,
  ): ExploreProcess {
    const { heap, control, init } = run
    const self = createSelf(0, 0)
    const locks = new Locks(control, self, clock)
    const kernel = new WatchedKernelLock(new KernelMutex(control, locks), scheduler)
    const space = new AddressSpace(heap, control, self, kernel)
    const { dataStart } = run.processFor(0, 0, clock)
    const { cores } = init.plan
    const parts = { words, control, space, locks, self, clock, cores, dataStart }
    return new ExploreProcess(parts, heap, scheduler)
  }

  override lock(word: WordIndex, id: LockId): void {
    this.#scheduler.sync(Access.LOCK, word, id)
    while (this.#heap[word] !== 0) this.#scheduler.waitForLock(word, id)
    this.#taken.lock(this.#heap, word, id)
  }
  override tryLock(word: WordIndex, id: LockId): boolean {
    this.#scheduler.sync(Access.TRY_LOCK, word, id)
    const taken = this.#taken.tryLock(this.#heap, word, id)
    if (!taken) this.#scheduler.tryFailed(word, id)
    return taken
  }
  override unlock(word: WordIndex, id: LockId): void {
    this.#scheduler.sync(Access.UNLOCK, word, id)
    this.#taken.unlock(this.#heap, word, id)
    this.#scheduler.sync(Access.UNLOCK, word, id)
  }
  override atomicLoad(word: WordIndex): number {
    this.#scheduler.sync(Access.ATOMIC, word)
    return Atomics.load(this.#heap, word)
  }
  override atomicStore(word: WordIndex, value: number): void {
    this.#scheduler.sync(Access.ATOMIC, word)
    Atomics.store(this.#heap, word, value)
  }
  override atomicExchange(word: WordIndex, value: number): number {
    this.#scheduler.sync(Access.ATOMIC, word)
    return Atomics.exchange(this.#heap, word, value)
  }
  override atomicAdd(word: WordIndex, delta: number): number {
    this.#scheduler.sync(Access.ATOMIC, word)
    return Atomics.add(this.#heap, word, delta)
  }
  override compareAndSwap(word: WordIndex, expected: number, desired: number): boolean {
    this.#scheduler.sync(Access.ATOMIC, word)
    return Atomics.compareExchange(this.#heap, word, expected, desired) === expected
  }
}

/**
 * The mmap_lock: a system call happens in one step, so that it is never found held; but others may
 * run before it.
 */
class WatchedKernelLock implements KernelLock {
  readonly #mutex: KernelMutex
  readonly #scheduler: Scheduler

  constructor(mutex: KernelMutex, scheduler: Scheduler) {
    this.#mutex = mutex
    this.#scheduler = scheduler
  }
  lock(): void {
    this.#scheduler.sync(Access.SYSTEM_CALL, 0)
    this.#mutex.lock()
  }
  unlock(): void {
    this.#mutex.unlock()
  }
}
