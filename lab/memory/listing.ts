/** The mappings as `pmap -x` shows them. */
import { MappingKind, Protection } from '../words/mapping.ts'
import { bytesOfPages } from '../words/units.ts'
import type { SpaceAccounts } from './limits.ts'
import type { MappingTable } from './mapping-table.ts'
import type { PageTable } from './page-table.ts'

/** One line of `pmap -x`: neighbours of one kind and protection are one mapping. */
export interface MappingRow {
  /** Byte address. Stacks lie beyond the heap buffer. */
  readonly start: number
  readonly bytes: number
  /** What it adds to VmSize: more than `bytes` for arena heaps counted at nominal size. */
  readonly nominalBytes: number
  /** Stacks: always 0, their pages are charged by the machine. */
  readonly rssBytes: number
  /** Written and not lazily freed since. */
  readonly dirtyBytes: number
  readonly permissions: 'rw---' | '-----'
  readonly kind: MappingKind
}

/** What `pmap` prints in its last column. */
export const mappingName = (kind: MappingKind): string => {
  if (kind === MappingKind.BRK_HEAP) return '[ heap ]'
  if (kind === MappingKind.STACK) return '[ stack ]'
  return kind === MappingKind.DATA ? '[ data ]' : '[ anon ]'
}

/** In address order. The caller holds the mmap_lock. */
export function listMappings(
  table: MappingTable,
  pages: PageTable,
  accounts: SpaceAccounts,
): MappingRow[] {
  const rows: MappingRow[] = []
  for (let row = table.rows - 1; row >= 0; row--) {
    const kind = table.kind(row)
    const first = table.start(row)
    // Nothing beyond the buffer has page bytes.
    const end = kind === MappingKind.STACK ? first : table.end(row)
    rows.push({
      start: bytesOfPages(first),
      bytes: bytesOfPages(table.pages(row)),
      nominalBytes: accounts.nominalBytes(kind, table.pages(row)),
      rssBytes: bytesOfPages(pages.residentPages(first, end)),
      dirtyBytes: bytesOfPages(pages.dirtyPages(first, end)),
      permissions: table.protection(row) === Protection.READ_WRITE ? 'rw---' : '-----',
      kind,
    })
  }
  return rows
}
