/** One view: the question it answers, what to look for, its pictures, and the table behind them. */
import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { useRef } from 'preact/hooks'
import { savePng } from '../export/save.ts'
import { variants } from '../state.ts'
import type { VariantStore } from '../store/variant.ts'

interface SectionProps {
  readonly id: string
  readonly question: string
  /** One line: what to look for. */
  readonly lookFor: string
  /** Controls of this view, beside its buttons. */
  readonly tools?: ComponentChildren
  /** The picture of one variant. */
  readonly panel: (variant: VariantStore, place: number) => JSX.Element
  /** Legend, beside or below the pictures. */
  readonly legend?: ComponentChildren
  /** The data table, made only while it is open. */
  readonly table: () => JSX.Element
}

export function Section(props: SectionProps) {
  const { id, question, lookFor, tools, panel, legend, table } = props
  const open = useSignal(false)
  const section = useRef<HTMLElement>(null)
  return (
    <section ref={section} class="view" id={id} aria-labelledby={`${id}-title`}>
      <header class="view-head">
        <div>
          <h2 id={`${id}-title`}>{question}</h2>
          <p class="look-for">{lookFor}</p>
        </div>
        <div class="view-tools">
          {tools}
          <button
            type="button"
            class="quiet"
            data-action="png"
            onClick={() => section.current !== null && void savePng(section.current)}
          >
            Save PNG
          </button>
          <button
            type="button"
            class="quiet"
            data-action="table"
            aria-expanded={open.value}
            aria-controls={`${id}-table`}
            onClick={() => {
              open.value = !open.value
            }}
          >
            {open.value ? 'Hide table' : 'Show table'}
          </button>
        </div>
      </header>
      <div class={`multiples of-${Math.min(variants.value.length, 4)}`}>
        {variants.value.map((variant, place) => (
          <div class="panel" key={place}>
            {variants.value.length > 1 && <h3>{variant.description.label}</h3>}
            {panel(variant, place)}
          </div>
        ))}
      </div>
      {legend}
      <div id={`${id}-table`}>{open.value && table()}</div>
    </section>
  )
}
