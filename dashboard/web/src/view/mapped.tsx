/** *What is mapped?* */
import { useSignal } from '@preact/signals'
import type { MappingGroup, MappingList } from '../../../../lab/metrics/survey-types.ts'
import { MappingKind } from '../../../../lab/words/mapping.ts'
import { address, bytes, count } from '../format.ts'
import { momentOf, textTick, variants } from '../state.ts'
import type { VariantStore } from '../store/variant.ts'
import { Choice } from './choice.tsx'
import { Section } from './section.tsx'
import { Swatch } from './swatch.tsx'
import { DataTable } from './tables.tsx'

type SortBy = 'address' | 'size' | 'rss'

export function MappedView() {
  const sortBy = useSignal<SortBy>('address')
  return (
    <Section
      id="mapped"
      question="What is mapped?"
      lookFor="Look for long pale bars with little blue: address space kept in reserve, which costs
        nothing until it is touched. What is blue counts against the memory limit."
      tools={
        <Choice
          name="mapping-order"
          label="Order of the table"
          options={[
            ['address', 'by address'],
            ['size', 'by size'],
            ['rss', 'by RSS'],
          ]}
          value={sortBy.value}
          onChange={(value) => {
            sortBy.value = value
          }}
        />
      }
      panel={(variant) => <Groups variant={variant} />}
      legend={
        <ul class="keys">
          <li>
            <Swatch token="live" />
            RSS
          </li>
          <li>
            <Swatch token="untouched" />
            mapped, not resident
          </li>
          <li class="meaning">as of the last phase mark or the end, one scale for all</li>
        </ul>
      }
      table={() => <MappingTable sortBy={sortBy.value} />}
    />
  )
}

/** What mappings are for, and what pmap prints in its last column. */
const KINDS: Readonly<Record<MappingKind, readonly [name: string, pmap: string]>> = {
  [MappingKind.BRK_HEAP]: ['brk heap', '[ heap ]'],
  [MappingKind.ARENA_HEAP]: ['arena heaps', '[ anon ]'],
  [MappingKind.BLOCK]: ['blocks of their own', '[ anon ]'],
  [MappingKind.SPAN]: ['spans', '[ anon ]'],
  [MappingKind.METADATA]: ['allocator state', '[ anon ]'],
  [MappingKind.STACK]: ['thread stacks', '[ stack ]'],
  [MappingKind.DATA]: ['static data', '[ data ]'],
}

const listOf = (variant: VariantStore): MappingList | undefined =>
  variant.looks.mappingsAt(momentOf(variant))?.survey?.mappings

const groupName = ({ kind, writable }: MappingGroup): string =>
  kind === MappingKind.STACK && !writable
    ? 'guards of stacks'
    : `${KINDS[kind][0]}${writable ? '' : ', in reserve'}`

function Groups({ variant }: { readonly variant: VariantStore }) {
  textTick.value
  const groups = [...(listOf(variant)?.groups ?? [])].sort((a, b) => b.bytes - a.bytes)
  if (groups.length === 0) {
    return <p class="readout">No list yet: phase marks have one.</p>
  }
  const most = Math.max(
    1,
    ...variants.value.flatMap((of) => listOf(of)?.groups.map((group) => group.bytes) ?? []),
  )
  return (
    <ul class="bars mapped" aria-label={`Mappings of ${variant.description.label}, by kind`}>
      {groups.map((group) => (
        <li class="mapping" key={groupName(group)}>
          <span class="bar-name">{groupName(group)}</span>
          <span class="bar-track">
            <i class="outer" style={{ width: `${(100 * group.bytes) / most}%` }} />
            {group.rss > 0 && <i style={{ width: `${(100 * group.rss) / most}%` }} />}
          </span>
          <span class="bar-value">
            {`${bytes(group.bytes)} in ${count(group.count)}, RSS ${bytes(group.rss)}`}
          </span>
        </li>
      ))}
    </ul>
  )
}

/** One line of pmap -x. */
interface Row {
  readonly start: number
  readonly size: number
  readonly rss: number
  readonly dirty: number
  readonly kind: MappingKind
  readonly writable: boolean
}

function rowsOf({ rows }: MappingList): Row[] {
  const found: Row[] = []
  for (let at = 0; at < rows.length; at += 6) {
    const [start, size, rss, dirty, kind, writable] = rows.slice(at, at + 6) as [
      number,
      number,
      number,
      number,
      MappingKind,
      number,
    ]
    found.push({ start, size, rss, dirty, kind, writable: writable === 1 })
  }
  return found
}

const ORDERS: Readonly<Record<SortBy, (a: Row, b: Row) => number>> = {
  address: (a, b) => a.start - b.start,
  size: (a, b) => b.size - a.size,
  rss: (a, b) => b.rss - a.rss,
}

function MappingTable({ sortBy }: { readonly sortBy: SortBy }) {
  textTick.value
  const rows = variants.value.flatMap((variant) => {
    const list = listOf(variant)
    if (list === undefined) return []
    const { label } = variant.description
    const shown = rowsOf(list)
      .sort(ORDERS[sortBy])
      .map(({ start, size, rss, dirty, kind, writable }) => [
        address(start),
        label,
        bytes(size),
        bytes(rss),
        bytes(dirty),
        writable ? 'rw---' : '-----',
        `${KINDS[kind][1]} ${KINDS[kind][0]}`,
      ])
    const total = (figure: 'bytes' | 'rss' | 'dirty'): string =>
      bytes(list.groups.reduce((sum, group) => sum + group[figure], 0))
    const mappings = list.groups.reduce((sum, group) => sum + group.count, 0)
    const left = list.left === 0 ? '' : `, ${count(list.left)} small ones not listed`
    return [
      ...shown,
      ['total', label, total('bytes'), total('rss'), total('dirty'), '', `${mappings}${left}`],
    ]
  })
  return (
    <DataTable
      caption="Mappings, as pmap -x lists them"
      columns={['Address', 'Variant', 'Size', 'RSS', 'Dirty', 'Mode', 'Mapping']}
      rows={rows}
    />
  )
}
