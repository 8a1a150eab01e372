/** Fields of the form: a name, a value, what it means, and what is wrong with it. */
import type { ComponentChildren } from 'preact'

interface FieldProps {
  /** Unique on the page. */
  readonly id: string
  /** The real name: what one would write on the command line. */
  readonly name: string
  readonly value: string
  /** What holds while the field is empty. */
  readonly placeholder: string
  /** One sentence, and what the field accepts. */
  readonly meaning: ComponentChildren
  /** Empty when there is nothing wrong. */
  readonly problem: string
  readonly onValue: (value: string) => void
  /** Choices, where the value is one of a few. */
  readonly choices?: readonly string[]
}

/** One row: name, value, meaning. */
export function Field(props: FieldProps) {
  const { id, name, meaning, problem, value } = props
  return (
    <div class={value === '' ? 'field' : 'field given'}>
      <label for={id}>{name}</label>
      {props.choices === undefined ? <TextValue {...props} /> : <ChosenValue {...props} />}
      <p class="meaning" id={`${id}-meaning`}>
        {problem !== '' && <span class="problem">{`${sentence(problem)} `}</span>}
        {meaning}
      </p>
    </div>
  )
}

const sentence = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}.`

function TextValue({ id, value, placeholder, problem, onValue }: FieldProps) {
  return (
    <input
      id={id}
      type="text"
      spellcheck={false}
      autocomplete="off"
      value={value}
      placeholder={placeholder}
      aria-describedby={`${id}-meaning`}
      aria-invalid={problem !== ''}
      onInput={(event) => onValue(event.currentTarget.value)}
    />
  )
}

function ChosenValue({ id, value, placeholder, choices = [], onValue }: FieldProps) {
  return (
    <select
      id={id}
      value={value}
      aria-describedby={`${id}-meaning`}
      onChange={(event) => onValue(event.currentTarget.value)}
    >
      <option value="">{placeholder}</option>
      {choices.map((choice) => (
        <option key={choice} value={choice}>
          {choice}
        </option>
      ))}
    </select>
  )
}

interface TickProps {
  readonly label: string
  readonly meaning: string
  readonly checked: boolean
  readonly disabled?: boolean
  readonly onChange: (checked: boolean) => void
}

export function Tick({ label, meaning, checked, disabled = false, onChange }: TickProps) {
  return (
    <label class="tick">
      <input
        type="checkbox"
        checked={checked}
        disabled={disabled}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <span>
        <b>{label}</b> <span class="meaning">{meaning}</span>
      </span>
    </label>
  )
}
