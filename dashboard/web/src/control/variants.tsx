/** Which allocators are compared: one to four designs, each with its tunables. */
import { useSignal } from '@preact/signals'
import { describeTunable } from '../../../../allocators/parse-tunables.ts'
import type { Catalogue, DesignEntry } from '../../../catalogue.ts'
import { VARIANTS_MAX } from '../../../setup.ts'
import {
  draftOf,
  problemOfTunable,
  problemOfVariant,
  tunableDefault,
  variantText,
} from './draft.ts'
import { Field } from './fields.tsx'
import { change, setup } from './session.ts'

export function Variants({ catalogue }: { readonly catalogue: Catalogue }) {
  const { variants } = setup.value
  const replace = (place: number, text: string): void =>
    change({ variants: variants.map((variant, at) => (at === place ? text : variant)) })
  const isFull = variants.length >= VARIANTS_MAX
  return (
    <section class="view" aria-labelledby="designs-title">
      <header class="view-head">
        <div>
          <h2 id="designs-title">Which allocators?</h2>
          <p class="look-for">
            One to four, side by side. A suspect beside its fix says most: the same design with one
            tunable changed.
          </p>
        </div>
        <button
          type="button"
          disabled={isFull}
          onClick={() => change({ variants: [...variants, variants.at(-1) ?? 'glibc'] })}
        >
          Add one
        </button>
      </header>
      <ol class="variants">
        {variants.map((text, place) => (
          <VariantCard
            key={place}
            place={place}
            text={text}
            designs={catalogue.designs}
            onText={(changed) => replace(place, changed)}
            onRemove={
              variants.length === 1
                ? undefined
                : () => change({ variants: variants.filter((_, at) => at !== place) })
            }
          />
        ))}
      </ol>
    </section>
  )
}

interface VariantProps {
  readonly place: number
  readonly text: string
  readonly designs: readonly DesignEntry[]
  readonly onText: (text: string) => void
  /** Undefined for the only one. */
  readonly onRemove: (() => void) | undefined
}

function VariantCard({ place, text, designs, onText, onRemove }: VariantProps) {
  const open = useSignal(false)
  const draft = draftOf(text, designs)
  const design = designs.find(({ name }) => name === draft.design)
  const given = Object.keys(draft.values).length
  const all = Object.keys(design?.tunables ?? {}).length
  const problem = problemOfVariant(text, designs)
  const id = `variant-${place}`
  return (
    <li class="variant">
      <div class="variant-head">
        <label class="visually-hidden" for={`${id}-design`}>
          {`Design ${place + 1}`}
        </label>
        <select
          id={`${id}-design`}
          value={draft.design}
          onChange={(event) => onText(event.currentTarget.value)}
        >
          {design === undefined && <option value={draft.design}>{draft.design}</option>}
          {designs.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
        <code class="variant-text">{text}</code>
        <button
          type="button"
          aria-expanded={open.value}
          aria-controls={`${id}-tunables`}
          onClick={() => {
            open.value = !open.value
          }}
        >
          {`${open.value ? 'Hide' : 'Show'} ${all} tunables${given > 0 ? ` (${given} set)` : ''}`}
          <span class="visually-hidden">{` of design ${place + 1}`}</span>
        </button>
        {onRemove !== undefined && (
          <button type="button" onClick={onRemove}>
            Remove
            <span class="visually-hidden">{` design ${place + 1}`}</span>
          </button>
        )}
      </div>
      <p class="meaning">{design?.summary}</p>
      {problem !== '' && <p class="problem">{problem}</p>}
      <div id={`${id}-tunables`}>
        {open.value && design !== undefined && (
          <Tunables id={id} design={design} text={text} designs={designs} onText={onText} />
        )}
      </div>
    </li>
  )
}

interface TunablesProps {
  readonly id: string
  readonly design: DesignEntry
  readonly text: string
  readonly designs: readonly DesignEntry[]
  readonly onText: (text: string) => void
}

function Tunables({ id, design, text, designs, onText }: TunablesProps) {
  const draft = draftOf(text, designs)
  return (
    <div class="fields">
      {Object.entries(design.tunables).map(([name, spec]) => (
        <Field
          key={name}
          id={`${id}-${name}`}
          name={name}
          value={draft.values[name] ?? ''}
          placeholder={tunableDefault(spec)}
          problem={problemOfTunable(design, name, draft.values[name] ?? '')}
          meaning={
            <>
              {`${spec.meaning} ${sentence(describeTunable(spec))}`}
              {spec.aliases.length > 0 && (
                <span class="aliases">
                  {' Also '}
                  <code>{spec.aliases.join(', ')}</code>
                </span>
              )}
            </>
          }
          {...(spec.kind === 'flag' ? { choices: ['true', 'false'] } : {})}
          onValue={(value) =>
            onText(variantText({ ...draft, values: { ...draft.values, [name]: value } }))
          }
        />
      ))}
    </div>
  )
}

const sentence = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}.`
