/** *What is in the allocator?* */
import type { BinReport } from '../../../../allocators/contract.ts'
import { bytes, count } from '../format.ts'
import { arenaShown, changed, momentOf, textTick, variants } from '../state.ts'
import type { VariantStore } from '../store/variant.ts'
import { ChunkLegend, Chunks } from './chunks.tsx'
import { Section } from './section.tsx'
import { DataTable } from './tables.tsx'

export function AllocatorView() {
  return (
    <Section
      id="allocator"
      question="What is in the allocator?"
      lookFor="Look for one long bar: free memory in chunks of one size, which serves only requests
        of that size. Below, walk the chunks up to the top: the last block in use holds the rest."
      tools={<ArenaChoice />}
      panel={(variant) => (
        <>
          <Bins variant={variant} />
          <Chunks variant={variant} />
        </>
      )}
      legend={<ChunkLegend />}
      table={() => <BinTable />}
    />
  )
}

function ArenaChoice() {
  textTick.value
  const names: string[] = []
  for (const variant of variants.value) {
    for (const [place, { name }] of (variant.newestSafepoint?.heap.arenas ?? []).entries()) {
      names[place] ??= name
      if (names[place] !== name) names[place] = `${names[place]!.split(' / ')[0]!} / ${name}`
    }
  }
  return (
    <label class="select">
      <span class="visually-hidden">Arena</span>
      <select
        value={`${arenaShown.value}`}
        onChange={(event) => {
          arenaShown.value = Number(event.currentTarget.value)
          textTick.value++
          changed()
        }}
      >
        <option value="-1">all arenas</option>
        {names.map((name, place) => (
          <option value={`${place}`} key={place}>
            {name}
          </option>
        ))}
      </select>
    </label>
  )
}

/** Bins of the arena chosen, or of all added up by name, in the order designs tell them. */
function binsOf(variant: VariantStore): readonly BinReport[] {
  const arenas = variant.looks.at(momentOf(variant))?.heap.arenas ?? []
  if (arenaShown.value >= 0) return arenas[arenaShown.value]?.bins ?? []
  const sums = new Map<string, BinReport>()
  for (const { bins } of arenas) {
    for (const { name, chunks, bytes: size } of bins) {
      const known = sums.get(name) ?? { name, chunks: 0, bytes: 0 }
      sums.set(name, { name, chunks: known.chunks + chunks, bytes: known.bytes + size })
    }
  }
  return [...sums.values()].sort((a, b) => rank(a.name) - rank(b.name))
}

/** Fast, unsorted, small, large; classes, pages and threads by their number. */
function rank(name: string): number {
  const kinds = ['fast', 'unsorted', 'small', 'large', 'class']
  const kind = kinds.findIndex((begin) => name.startsWith(begin))
  const size = Number(/\d+/.exec(name)?.[0] ?? 0)
  return (kind < 0 ? kinds.length : kind) * 1e12 + size
}

/** Bars of each variant: the bins with most bytes, still in the order of sizes. */
const BARS_MAX = 14

function Bins({ variant }: { readonly variant: VariantStore }) {
  textTick.value
  const bins = binsOf(variant)
  const shown = new Set([...bins].sort((a, b) => b.bytes - a.bytes).slice(0, BARS_MAX))
  const most = Math.max(
    1,
    ...variants.value.flatMap((of) => binsOf(of).map(({ bytes: size }) => size)),
  )
  const rest = bins.filter((bin) => !shown.has(bin))
  if (bins.length === 0) return <p class="readout">Nothing lies in bins.</p>
  return (
    <ul class="bars" aria-label={`Free memory of ${variant.description.label}, by bin`}>
      {bins
        .filter((bin) => shown.has(bin))
        .map(({ name, chunks, bytes: size }) => (
          <li key={name}>
            <span class="bar-name">{name}</span>
            <span class="bar-track">
              <i style={{ width: `${(100 * size) / most}%` }} />
            </span>
            <span class="bar-value">{`${bytes(size)} in ${count(chunks)}`}</span>
          </li>
        ))}
      {rest.length > 0 && (
        <li class="rest">
          <span class="bar-name">{`${rest.length} more`}</span>
          <span />
          <span class="bar-value">
            {`${bytes(sum(rest, 'bytes'))} in ${count(sum(rest, 'chunks'))}`}
          </span>
        </li>
      )}
    </ul>
  )
}

const sum = (bins: readonly BinReport[], figure: 'bytes' | 'chunks'): number =>
  bins.reduce((total, bin) => total + bin[figure], 0)

function BinTable() {
  textTick.value
  const rows = variants.value.flatMap((variant) =>
    binsOf(variant).map(({ name, chunks, bytes: size }) => [
      name,
      variant.description.label,
      count(chunks),
      bytes(size),
      chunks === 0 ? '–' : bytes(size / chunks),
    ]),
  )
  return (
    <DataTable
      caption="Free chunks, blocks and spans, by bin or class"
      columns={['Bin', 'Variant', 'Chunks', 'Bytes', 'Each']}
      rows={rows}
    />
  )
}
