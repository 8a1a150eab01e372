/**
 * The address space's own figures, in the `space` area of the control buffer.
 *
 *   Int32 words                                    Float64 figures
 *        0  ┌────────────────────────────┐    32  ┌───────────────────────────────┐
 *           │ mmap_lock, rows, search    │        │ break, VmSize, committed,     │
 *       16  ├────────────────────────────┤        │ limits                        │
 *           │ RSS, lazily freed pages  x │        └───────────────────────────────┘
 *       32  ├────────────────────────────┤
 *           │ high-water mark of RSS   x │
 *           └────────────────────────────┘
 *
 * x = any thread, Atomics. Everything else is written under the mmap_lock alone, or once by
 * `createAddressSpace`. Faults take no lock, so what they count (RSS) is Int32 and in pages; what
 * only changes under the lock is Float64, exact to 2^53.
 */
import type { Control } from '../words/control.ts'
import { bytesOfWords } from '../words/units.ts'

/** Int32 words, from the start of the `space` area. */
export const SpaceWord = {
  /** The mmap_lock's futex word, for whoever makes the `KernelLock`. Not touched by lab/memory. */
  MMAP_LOCK: 0,
  /** Rows of the mapping table in use. */
  ROWS: 1,
  /** Below this page the search for a gap starts, when it looks for SEARCH_PAGES or more. */
  SEARCH_BELOW: 2,
  SEARCH_PAGES: 3,
  /** Where the next search for lazily freed pages starts. x: any value is right. */
  RECLAIM_FROM: 4,
  /** Memory limit in pages; `PAGES_UNLIMITED` when there is none. */
  LIMIT_PAGES: 5,
  /** First page of the brk heap. */
  BRK_START: 6,
  /** vm.overcommit_memory. */
  OVERCOMMIT: 7,
  /** Never changes: what a thread sleeps on, with a timeout, while another zeroes a page. */
  NEVER: 8,
  /** x: pages counted in RSS. */
  RSS: 16,
  /** x: pages of RSS given up by MADV_FREE. */
  LAZY: 17,
  /** x: pages of RSS beyond the heap buffer (stacks). */
  OUTSIDE: 18,
  /** x: highest RSS, in pages, as it stood before some decrease: see `PageTable.rssPagesMax`. */
  RSS_MAX: 32,
} as const

export const PAGES_UNLIMITED = 0x7fffffff

const FIGURES_AT_BYTE = 256
/** Float64 figures, from `FIGURES_AT_BYTE` of the `space` area. */
export const SpaceFigure = {
  /** Current break: byte address, exact to the byte. */
  BREAK: 0,
  /** VmSize in bytes, at nominal size. */
  VM_SIZE: 1,
  /** Bytes charged against the commit limit (vm.overcommit_memory = 2 only). */
  COMMITTED: 2,
  /** Bytes; Infinity when there is none. */
  ADDRESS_SPACE_LIMIT: 3,
  COMMIT_LIMIT: 4,
  RAM: 5,
  /** Nominal size of an arena heap's mapping ÷ its size in the buffer. */
  ARENA_HEAP_SCALE: 6,
} as const

const BYTES_PER_FIGURE = 8

/** Index into `control.int32` of the first `SpaceWord`. */
export const spaceWords = (control: Control): number => control.plan.at.space / bytesOfWords(1)
/** Index into `control.float64` of the first `SpaceFigure`. */
export const spaceFigures = (control: Control): number =>
  (control.plan.at.space + FIGURES_AT_BYTE) / BYTES_PER_FIGURE
