/** What the modelled kernel is given from outside: who calls it, and its one lock. */

/**
 * The lab thread that calls. One mutable object, shared with the process: a machine that carries
 * several lab threads in one isolate changes it, and later calls count for the new thread.
 */
export interface KernelSelf {
  /** Where the calling lab thread's row starts in `control.counters`. */
  counterBase: number
  seat: number
  /** Lab thread number. */
  thread: number
}

/** The mmap_lock: held for the whole of each system call, never by a fault. Not recursive. */
export interface KernelLock {
  lock(): void
  unlock(): void
}
