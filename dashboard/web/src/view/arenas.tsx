/** *Which arena holds it?* */
import { useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { ArenaStrips } from '../draw/arena-strips.ts'
import { bytes, count, percent } from '../format.ts'
import { invalidatePicture } from '../frame.ts'
import { momentOf, textTick, variants } from '../state.ts'
import type { ArenaState, VariantStore } from '../store/variant.ts'
import { CanvasHost } from './picture.tsx'
import { DataTable, Section } from './section.tsx'

export function ArenasView() {
  return (
    <Section
      id="arenas"
      question="Which arena holds it?"
      lookFor="Look for long strips with little blue: each arena keeps the peak of its worst hour,
        and cannot lend it to another. An arena without threads serves nobody."
      panel={(variant) => <Strips variant={variant} />}
      legend={<ArenaLegend />}
      table={() => <ArenaTable />}
    />
  )
}

function ArenaLegend() {
  const parts = [
    ['live', 'Live'],
    ['pinnedFree', 'Pinned free'],
    ['freeInBins', 'Free, resident'],
    ['freeTop', 'Free top'],
    ['reserve', 'Not resident'],
  ] as const
  return (
    <ul class="keys">
      {parts.map(([key, label]) => (
        <li key={key}>
          <i class={`swatch ${key}`} />
          {label}
        </li>
      ))}
      <li class="meaning">all strips on one scale; “thr” are the threads attached</li>
    </ul>
  )
}

function Strips({ variant }: { readonly variant: VariantStore }) {
  const picture = useRef<ArenaStrips>(null)
  const selected = useSignal(-1)
  const select = (row: number): void => {
    if (selected.value === row || picture.current === null) return
    selected.value = row
    picture.current.selected = row
    invalidatePicture(picture.current.element)
  }
  return (
    <>
      <CanvasHost
        name="arenas"
        label={`Bytes of each arena of ${variant.description.label}. Up and down read them.`}
        make={(canvas) => (picture.current = new ArenaStrips(canvas, variant))}
        onPoint={(strips, _, y) => select(strips.rowAt(y))}
        onLeave={() => select(-1)}
        onKey={(event) => {
          const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
          if (step === 0) return
          event.preventDefault()
          const last = variant.arenaNames.length - 1
          select(Math.min(Math.max(selected.value + step, 0), last))
        }}
      />
      <Readout variant={variant} row={selected.value} />
    </>
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
