/**
 * One byte per page of the heap. The low bits say what the page holds, the top bit forbids access.
 *
 *      7          6        5 .. 3     2 .. 0
 *   ┌──────────┬─────────┬─────────┬────────┐
 *   │ NOACCESS │ DIRTIED │ unused  │ state  │
 *   └──────────┴─────────┴─────────┴────────┘
 *
 * `RESIDENT` is the only state that an access may pass over without a call: hence `touch` is one
 * load and one compare, and the NOACCESS bit makes that compare fail.
 */
export const PageState = {
  /** No mapping covers the page: an access is a segmentation fault. */
  UNMAPPED: 0,
  /** Mapped, not touched, its words known to be zero. */
  ABSENT: 1,
  /** Mapped, not touched, but its words hold what an earlier owner left: zeroed at first touch. */
  STALE: 2,
  /** A thread is making it resident; others wait for the outcome. */
  BUSY: 3,
  /** Read but never written: the zero page. Resident for mincore, not counted in RSS. */
  ZERO: 4,
  /** Touched and counted in RSS. */
  RESIDENT: 5,
  /** Resident, but given up by madvise(MADV_FREE): a write takes it back. */
  LAZY_FREE: 6,
} as const
export type PageState = (typeof PageState)[keyof typeof PageState]

/** Set on top of a state by mprotect(PROT_NONE). */
export const PAGE_NOACCESS = 0x80
/**
 * Set on UNMAPPED only: the words hold what an earlier owner left, so that a new mapping of the
 * page starts as STALE and not as ABSENT. Mapped pages say the same by their state.
 */
export const PAGE_DIRTIED = 0x40
export const PAGE_STATE_MASK = 0x07

/** What a page looks like to `mincore`: 1 for every page with something behind it. */
export const isIncore = (pageByte: number): boolean =>
  (pageByte & PAGE_STATE_MASK) >= PageState.BUSY
/** What a page adds to RSS: pages that were written (or only lazily freed). */
export const isResident = (pageByte: number): boolean =>
  (pageByte & PAGE_STATE_MASK) >= PageState.RESIDENT
