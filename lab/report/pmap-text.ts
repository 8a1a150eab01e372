/** The mappings of a process as `pmap -x` lists them: start, size, RSS, dirty, mode, kind. */
import { type MappingRow, mappingName } from '../memory/listing.ts'
import { MappingKind } from '../words/mapping.ts'
import { KIB } from '../words/units.ts'

const WIDTHS = [16, 10, 10, 10] as const

/** Ends in a line break. Sizes in KiB, as pmap has them. */
export function pmapText(variant: string, mappings: readonly MappingRow[]): string {
  const rows = mappings.map((row) =>
    pmapLine(
      row.start.toString(16).padStart(16, '0'),
      [row.bytes, row.rssBytes, row.dirtyBytes],
      `${row.permissions} ${mappingName(row.kind).padEnd(10)} ${KIND_NAMES[row.kind] ?? ''}`,
    ),
  )
  const sum = (figure: 'bytes' | 'rssBytes' | 'dirtyBytes'): number =>
    mappings.reduce((total, row) => total + row[figure], 0)
  const totals = [sum('bytes'), sum('rssBytes'), sum('dirtyBytes')]
  const [address, size, rss, dirty] = WIDTHS
  const heading =
    `${'Address'.padEnd(address)} ${'KiB'.padStart(size)} ${'RSS'.padStart(rss)} ` +
    `${'Dirty'.padStart(dirty)} Mode  Mapping`
  const rule = WIDTHS.map((width) => '-'.repeat(width)).join(' ')
  return `${[variant, heading, ...rows, rule, pmapLine('total KiB', totals, '')].join('\n')}\n`
}

function pmapLine(address: string, bytes: readonly number[], rest: string): string {
  const figures = bytes.map((size, place) => `${size / KIB}`.padStart(WIDTHS[place + 1] ?? 0))
  return [address.padEnd(WIDTHS[0]), ...figures, rest].join(' ').trimEnd()
}

const KIND_NAMES: Readonly<Record<MappingKind, string>> = {
  [MappingKind.BRK_HEAP]: 'brk heap',
  [MappingKind.ARENA_HEAP]: 'arena heap',
  [MappingKind.BLOCK]: 'one block',
  [MappingKind.SPAN]: 'spans',
  [MappingKind.METADATA]: 'allocator state',
  [MappingKind.STACK]: 'thread stack',
  [MappingKind.DATA]: 'static data',
}
