/** Lays a new process's address space out, before any thread runs. */
import type { Control } from '../words/control.ts'
import { MappingKind, Protection } from '../words/mapping.ts'
import {
  bytesOfPages,
  MIB,
  PAGE_BYTES,
  pagesOfBytes,
  roundUp,
  type SharedWords,
} from '../words/units.ts'
import { HeapBufferFull } from './errors.ts'
import { Overcommit, SpaceAccounts, type SpaceLimits } from './limits.ts'
import { MappingTable } from './mapping-table.ts'
import { PageTable } from './page-table.ts'
import * as transitions from './page-transitions.ts'
import {
  PAGES_UNLIMITED,
  SpaceFigure,
  SpaceWord,
  spaceFigures,
  spaceWords,
} from './space-layout.ts'

/** Where static data begins: page 0 is never mapped, so that address 0 can be NULL. */
const DATA_PAGE = 1
const PERCENT = 100

export interface SpaceLayout {
  /** Static data of the design and of its threads, from page 1 on. */
  readonly dataBytes: number
  /** Nominal size of an arena heap ÷ its size in the buffer; 1 when it was not lowered. */
  readonly arenaHeapScale?: number | undefined
}

/**
 * Once per run, on fresh (all zero) buffers and before any `AddressSpace` is made: static data from
 * page 1, then the brk heap, empty, from the next 1 MiB boundary.
 */
export function createAddressSpace(
  heap: SharedWords,
  control: Control,
  layout: SpaceLayout,
  limits: SpaceLimits,
): void {
  const dataPages = pagesOfBytes(layout.dataBytes)
  const breakBytes = roundUp(bytesOfPages(DATA_PAGE + dataPages), MIB)
  if (breakBytes > heap.byteLength) {
    throw new HeapBufferFull(heap.byteLength, 0, breakBytes)
  }
  storeLimits(control, limits)
  const words = spaceWords(control)
  control.int32[words + SpaceWord.SEARCH_BELOW] = control.pages.length
  control.int32[words + SpaceWord.SEARCH_PAGES] = 1
  control.int32[words + SpaceWord.BRK_START] = breakBytes / PAGE_BYTES
  const figures = spaceFigures(control)
  control.float64[figures + SpaceFigure.BREAK] = breakBytes
  control.float64[figures + SpaceFigure.ARENA_HEAP_SCALE] = layout.arenaHeapScale ?? 1
  if (dataPages > 0) mapData(heap, control, dataPages)
}

function mapData(heap: SharedWords, control: Control, dataPages: number): void {
  const accounts = new SpaceAccounts(control)
  const nobody = { counterBase: 0, seat: 0, thread: 0 }
  const pages = new PageTable(heap, control, nobody)
  const charged = accounts.charges ? 1 : 0
  new MappingTable(control).insert(
    DATA_PAGE,
    dataPages,
    Protection.READ_WRITE,
    MappingKind.DATA,
    charged,
  )
  pages.change(DATA_PAGE, DATA_PAGE + dataPages, transitions.MAP_READ_WRITE)
  accounts.addVmSize(bytesOfPages(dataPages))
  accounts.addCommitted(charged * bytesOfPages(dataPages))
}

function storeLimits(control: Control, limits: SpaceLimits): void {
  const words = spaceWords(control)
  const figures = spaceFigures(control)
  const { memoryLimit, ramBytes } = limits
  control.int32[words + SpaceWord.OVERCOMMIT] = limits.overcommitMemory
  // memory.max is rounded down to whole pages, as page_counter_memparse does.
  control.int32[words + SpaceWord.LIMIT_PAGES] =
    memoryLimit === undefined
      ? PAGES_UNLIMITED
      : Math.min(Math.floor(memoryLimit / PAGE_BYTES), PAGES_UNLIMITED)
  control.float64[figures + SpaceFigure.ADDRESS_SPACE_LIMIT] =
    limits.addressSpaceLimit ?? Number.POSITIVE_INFINITY
  control.float64[figures + SpaceFigure.RAM] = ramBytes
  control.float64[figures + SpaceFigure.COMMIT_LIMIT] =
    limits.overcommitMemory === Overcommit.NEVER
      ? (ramBytes * limits.overcommitRatio) / PERCENT
      : Number.POSITIVE_INFINITY
}
