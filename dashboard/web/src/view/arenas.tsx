/** *Which arena holds it?* */
import { ArenaStrips } from '../draw/arena-strips.ts'
import { type PageCell, PageStrips } from '../draw/page-strips.ts'
import { address, bytes, count, percent, seconds } from '../format.ts'
import { arenaPicture, changed, momentOf, textTick, variants } from '../state.ts'
import { type LookPages, letterAt, PAGE_KINDS, pagesOf } from '../store/pages.ts'
import type { ArenaState, VariantStore } from '../store/variant.ts'
import { Choice } from './choice.tsx'
import { Picked } from './picked.tsx'
import { Pins } from './pins.tsx'
import { Section } from './section.tsx'
import { Swatch } from './swatch.tsx'
import { DataTable } from './tables.tsx'

export function ArenasView() {
  const byPage = arenaPicture.value === 'pages'
  return (
    <Section
      id="arenas"
      question="Which arena holds it?"
      lookFor={
        byPage
          ? `Look for hatched red left of a pin: one small block above keeps all of it resident. An
             arena without threads keeps the peak of its worst hour and serves nobody.`
          : `Look for long strips with little blue: each arena keeps the peak of its worst hour,
             and cannot lend it to another. An arena without threads serves nobody.`
      }
      tools={
        <Choice
          name="arena-picture"
          label="Show arenas"
          options={[
            ['pages', 'page by page'],
            ['bytes', 'bytes by cause'],
          ]}
          value={arenaPicture.value}
          onChange={(value) => {
            arenaPicture.value = value
            changed()
          }}
        />
      }
      panel={(variant) =>
        byPage ? <Pages key="pages" variant={variant} /> : <Strips key="bytes" variant={variant} />
      }
      legend={byPage ? <PageLegend /> : <ArenaLegend />}
      table={() => <ArenaTable />}
    />
  )
}

// ── page by page ───────────────────────────────────────────────────────────────────────────────

function PageLegend() {
  return (
    <>
      <ul class="keys">
        {PAGE_KINDS.map(({ letter, token, label }) => (
          <li key={letter}>
            <Swatch token={token} />
            {label}
          </li>
        ))}
        <li>
          <i class="pin-mark" />
          Pin
        </li>
        <li class="meaning">one scale: as much colour, as many bytes</li>
      </ul>
      <Pins />
    </>
  )
}

function Pages({ variant }: { readonly variant: VariantStore }) {
  return (
    <Picked<PageStrips>
      name="pages"
      label={
        `Pages of each arena of ${variant.description.label}. Arrow keys read them, ` +
        'P goes to the pin.'
      }
      make={(canvas) => new PageStrips(canvas, variant)}
      none={undefined}
      same={same}
      at={(strips, x, y) => strips.cellAt(x, y)}
      moved={(strips, key, from) => movedCell(from, key, strips)}
      readout={(cell) => <PageReadout variant={variant} cell={cell} />}
    />
  )
}

const same = (a: PageCell | undefined, b: PageCell | undefined): boolean =>
  a?.arena === b?.arena && a?.heap === b?.heap && a?.cell === b?.cell

/** Left and right go from cell to cell, up and down from row to row and arena to arena. */
function movedCell(
  from: PageCell | undefined,
  key: string,
  { pages, rowCells }: PageStrips,
): PageCell | undefined {
  if (pages === undefined || pages.arenas.length === 0) return undefined
  if (key === 'p' || key === 'P') return pinCell(pages, from?.arena)
  const steps: Record<string, number> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -rowCells,
    ArrowDown: rowCells,
    Home: Number.NEGATIVE_INFINITY,
    End: Number.POSITIVE_INFINITY,
  }
  const step = steps[key]
  if (step === undefined) return undefined
  if (from === undefined) return { arena: 0, heap: 0, cell: 0 }
  const { heaps } = pages.arenas[from.arena]!
  const last = heaps[from.heap]!.cells - 1
  const cell = from.cell + step
  if (Math.abs(step) !== rowCells || (cell >= 0 && cell <= last)) {
    return { ...from, cell: Math.min(Math.max(cell, 0), last) }
  }
  return nextHeap(pages, from, Math.sign(step))
}

function nextHeap(pages: LookPages, from: PageCell, step: number): PageCell {
  const all = pages.arenas.flatMap(({ heaps }, arena) =>
    heaps.map((_, heap) => ({ arena, heap, cell: 0 })),
  )
  const at = all.findIndex(({ arena, heap }) => arena === from.arena && heap === from.heap)
  return all[at + step] ?? from
}

/** The pin of the arena at hand, or of the next one that has one. */
function pinCell(pages: LookPages, from = 0): PageCell | undefined {
  const { arenas, cellBytes } = pages
  for (let step = 0; step < arenas.length; step++) {
    const arena = (from + step) % arenas.length
    const { pin, heaps } = arenas[arena]!
    if (pin === undefined) continue
    const heap = heaps.findLastIndex(({ start }) => start <= pin.address)
    if (heap < 0) continue
    return { arena, heap, cell: Math.floor((pin.address - heaps[heap]!.start) / cellBytes) }
  }
  return undefined
}

interface PageReadoutProps {
  readonly variant: VariantStore
  readonly cell: PageCell | undefined
}

function PageReadout({ variant, cell }: PageReadoutProps) {
  textTick.value
  const pages = pagesOf(variant.looks.at(momentOf(variant)))
  return (
    <p class="readout" aria-live="polite" data-readout="arenas">
      {(pages !== undefined && cell !== undefined && cellText(pages, cell)) || lookText(pages)}
    </p>
  )
}

function lookText(pages: LookPages | undefined): string {
  if (pages === undefined) return 'no look at the heap yet'
  const { look, cellBytes, arenas } = pages
  const what = look.label === '' ? look.reason : look.label
  const many = arenas.length === 1 ? '1 arena' : `${count(arenas.length)} arenas`
  return `${many} as of ${seconds(look.t / 1e9)} (${what}), ${bytes(cellBytes)} a cell`
}

/** What a cell is, and the chunks, bins, top and threads of its arena. */
function cellText(pages: LookPages, { arena, heap, cell }: PageCell): string {
  const of = pages.arenas[arena]
  const runs = of?.heaps[heap]
  if (of === undefined || runs === undefined) return ''
  const { cellBytes, look } = pages
  const at = runs.start + cell * cellBytes
  const letter = letterAt(runs, cell)
  const meaning = PAGE_KINDS.find((kind) => kind.letter === letter)?.meaning ?? ''
  const report = look.heap.arenas[of.arena]!
  const pin = of.pin
  const holdsPin = pin !== undefined && pin.address >= at && pin.address < at + cellBytes
  const largest = [...report.bins].sort((a, b) => b.bytes - a.bytes)[0]
  const bins =
    largest === undefined
      ? 'bins empty'
      : `${count(report.chunksFree)} free chunks in ${count(report.bins.length)} bins ` +
        `(most in ${largest.name}: ${bytes(largest.bytes)})`
  const threads = report.attachedThreads === 1 ? '1 thread' : `${report.attachedThreads} threads`
  return (
    `${of.name}, ${address(at)} + ${bytes(cellBytes)}: ${meaning}${holdsPin ? ', the pin' : ''}. ` +
    `${count(report.chunksInUse)} chunks in use, ${bins}, top ${bytes(report.topBytes)}, ${threads}`
  )
}

// ── bytes by cause ─────────────────────────────────────────────────────────────────────────────

function ArenaLegend() {
  const parts = [
    ['live', 'Live'],
    ['pinnedFree', 'Pinned free'],
    ['freeInBins', 'Free, resident'],
    ['freeTop', 'Free top'],
  ] as const
  return (
    <ul class="keys">
      {parts.map(([key, label]) => (
        <li key={key}>
          <Swatch token={key} />
          {label}
        </li>
      ))}
      <li>
        <i class="swatch framed" />
        Not resident
      </li>
      <li class="meaning">all strips on one scale; “thr” are the threads attached</li>
    </ul>
  )
}

function Strips({ variant }: { readonly variant: VariantStore }) {
  return (
    <Picked
      name="arenas"
      label={`Bytes of each arena of ${variant.description.label}. Up and down read them.`}
      make={(canvas) => new ArenaStrips(canvas, variant)}
      none={-1}
      same={(a, b) => a === b}
      at={(strips, _, y) => strips.rowAt(y)}
      moved={(_, key, from) => {
        const step = key === 'ArrowDown' ? 1 : key === 'ArrowUp' ? -1 : 0
        const last = variant.arenaNames.length - 1
        return step === 0 ? undefined : Math.min(Math.max(from + step, 0), last)
      }}
      readout={(row) => <Readout variant={variant} row={row} />}
    />
  )
}

function Readout({ variant, row }: { readonly variant: VariantStore; readonly row: number }) {
  textTick.value
  const arenas = variant.arenasAt(momentOf(variant))
  const arena = arenas[row]
  return (
    <p class="readout" aria-live="polite" data-readout="arenas">
      {arena === undefined ? allArenas(arenas) : oneArena(arena)}
    </p>
  )
}

function allArenas(arenas: readonly ArenaState[]): string {
  const resident = arenas.reduce((sum, arena) => sum + arena.resident, 0)
  const live = arenas.reduce((sum, arena) => sum + arena.live, 0)
  const many = arenas.length === 1 ? '1 arena' : `${count(arenas.length)} arenas`
  const share = percent(resident === 0 ? 0 : live / resident)
  return `${many}, ${bytes(resident)} resident, ${share} of it live`
}

function oneArena(arena: ArenaState): string {
  const threads = arena.attachedThreads === 1 ? '1 thread' : `${arena.attachedThreads} threads`
  return (
    `${arena.name}: ${bytes(arena.live)} live, ${bytes(arena.pinnedFree)} pinned, ` +
    `${bytes(arena.free - arena.pinnedFree)} other free, ${bytes(arena.top)} top; ${threads}`
  )
}

function ArenaTable() {
  textTick.value
  const rows = variants.value.flatMap((variant) =>
    variant
      .arenasAt(momentOf(variant))
      .map((arena) => [
        arena.name,
        variant.description.label,
        bytes(arena.resident),
        bytes(arena.live),
        bytes(arena.pinnedFree),
        bytes(arena.free - arena.pinnedFree),
        bytes(arena.top),
        bytes(arena.system),
        count(arena.attachedThreads),
      ]),
  )
  return (
    <DataTable
      caption="Arenas at the moment looked at"
      columns={[
        'Arena',
        'Variant',
        'Resident',
        'Live',
        'Pinned free',
        'Other free',
        'Top',
        'From the system',
        'Threads attached',
      ]}
      rows={rows}
    />
  )
}
