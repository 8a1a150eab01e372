/** Tables of figures: those below a picture, and the long ones behind it. */
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { KEYBOARD_STOP } from './picture.tsx'

interface TableProps {
  readonly caption: string
  readonly columns: readonly string[]
  /** The first cell of each row is its head. */
  readonly rows: readonly (readonly ComponentChildren[])[]
}

interface CompactProps extends TableProps {
  /** For tests: whose figures these are. */
  readonly readout?: string
}

/** A few rows, all on show; the picture above says what they are of. */
export function CompactTable({ caption, readout, ...table }: CompactProps) {
  if (table.rows.length === 0) return null
  return (
    <LegendBox label={caption}>
      <table class="compact" data-readout={readout}>
        <caption class="visually-hidden">{caption}</caption>
        <Rows {...table} />
      </table>
    </LegendBox>
  )
}

interface LegendBoxProps {
  /** Names it for those who come to it by keyboard; once on the page. */
  readonly label: string
  readonly children: ComponentChildren
}

/** Below pictures: what is wider than its place scrolls, and only then Tab stops there. */
export function LegendBox({ label, children }: LegendBoxProps) {
  const box = useRef<HTMLElement>(null)
  const scrolls = useSignal(false)
  const look = (): void => {
    const element = box.current
    // It may be gone already when its size is told.
    if (element !== null) scrolls.value = element.scrollWidth > element.clientWidth
  }
  useEffect(look)
  useEffect(() => {
    const observer = new ResizeObserver(look)
    observer.observe(box.current!)
    return () => observer.disconnect()
  }, [])
  const stop = scrolls.value ? KEYBOARD_STOP : {}
  return (
    <section ref={box} class="legend-box" aria-label={label} {...stop}>
      {children}
    </section>
  )
}

interface DataProps extends TableProps {
  /** Cells hold words, not figures: they start where their column does. */
  readonly texts?: boolean
}

/** The figures of a picture. Wide and long ones scroll, by keyboard too. */
export function DataTable({ caption, texts, ...table }: DataProps) {
  return (
    <section class="table-box" aria-label={caption} {...KEYBOARD_STOP}>
      <table class={texts === true ? 'texts' : ''}>
        <caption>{caption}</caption>
        <Rows {...table} />
      </table>
    </section>
  )
}

function Rows({ columns, rows }: Pick<TableProps, 'columns' | 'rows'>) {
  return (
    <>
      <thead>
        <tr>
          {columns.map((column, place) => (
            <th scope="col" key={place}>
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, place) => (
          <tr key={place}>
            <th scope="row">{row[0]}</th>
            {row.slice(1).map((cell, column) => (
              <td key={column}>{cell}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </>
  )
}
