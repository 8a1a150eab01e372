/**
 * What each system call makes of a page's byte: one table of 256 entries per call, byte before →
 * byte after. A byte that a call leaves alone maps to itself.
 *
 *                      UNMAPPED   ABSENT    STALE     ZERO      RESIDENT  LAZY_FREE
 *   mmap               ABSENT¹    –         –         –         –         –
 *   munmap             ·          UNMAPPED  UNMAPPED² UNMAPPED  UNMAPPED² UNMAPPED²
 *   MADV_DONTNEED      ·          ·         ·         ABSENT    STALE     STALE
 *   MADV_FREE          ·          ·         ·         ·         LAZY_FREE ·
 *   mprotect           ·          sets or clears NOACCESS, the state stays
 *
 *   ¹ STALE when DIRTIED was set   ² with DIRTIED set   – cannot occur   · unchanged
 *
 * BUSY is in no table: who meets it waits until the fault under way has ended.
 */
import { PAGE_DIRTIED, PAGE_NOACCESS, PAGE_STATE_MASK, PageState } from '../words/page-state.ts'

export type Transition = Uint8Array

const { UNMAPPED, ABSENT, STALE, ZERO, RESIDENT, LAZY_FREE } = PageState

function tableOf(after: (state: number, noAccess: number, byte: number) => number): Transition {
  const table = new Uint8Array(256)
  for (let byte = 0; byte < 256; byte++) {
    table[byte] = after(byte & PAGE_STATE_MASK, byte & PAGE_NOACCESS, byte)
  }
  return table
}

/** Do the words of a page in this state hold anything but zeros? */
const holdsOldWords = (state: number): boolean =>
  state === STALE || state === RESIDENT || state === LAZY_FREE

const freshPage = (byte: number): number => ((byte & PAGE_DIRTIED) !== 0 ? STALE : ABSENT)

export const MAP_READ_WRITE = tableOf((state, _noAccess, byte) =>
  state === UNMAPPED ? freshPage(byte) : byte,
)
export const MAP_NO_ACCESS = tableOf((state, _noAccess, byte) =>
  state === UNMAPPED ? freshPage(byte) | PAGE_NOACCESS : byte,
)
export const UNMAP = tableOf((state, _noAccess, byte) => {
  if (state === UNMAPPED) return byte
  return holdsOldWords(state) ? UNMAPPED | PAGE_DIRTIED : UNMAPPED
})
export const DONT_NEED = tableOf((state, noAccess, byte) => {
  if (state === ZERO) return ABSENT | noAccess
  return state === RESIDENT || state === LAZY_FREE ? STALE | noAccess : byte
})
export const FREE_LAZILY = tableOf((state, noAccess, byte) =>
  state === RESIDENT ? LAZY_FREE | noAccess : byte,
)
export const FORBID_ACCESS = tableOf((state, _noAccess, byte) =>
  state === UNMAPPED ? byte : byte | PAGE_NOACCESS,
)
export const ALLOW_ACCESS = tableOf((state, _noAccess, byte) =>
  state === UNMAPPED ? byte : byte & ~PAGE_NOACCESS,
)

/** 1 for bytes counted in RSS. */
export const IN_RSS = tableOf((state) => (state === RESIDENT || state === LAZY_FREE ? 1 : 0))
/** 1 for bytes counted as lazily freed. */
export const IN_LAZY = tableOf((state) => (state === LAZY_FREE ? 1 : 0))

/**
 * 1 for bytes that may change although the mmap_lock is held: a fault may start on an accessible
 * page, and memory pressure may take a lazily freed one. All others (RESIDENT, NOACCESS, UNMAPPED)
 * only change under the lock, so that its holder may store them plainly.
 */
export const CHANGES_WITHOUT_LOCK = tableOf((state, noAccess) => {
  if (state === LAZY_FREE) return 1
  const faultable = state === ABSENT || state === STALE || state === ZERO
  return faultable && noAccess === 0 ? 1 : 0
})
