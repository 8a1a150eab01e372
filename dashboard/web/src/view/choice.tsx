/** One of a few, as buttons side by side. Radio buttons underneath, so that keys work as ever. */
interface ChoiceProps<T extends string> {
  /** Of the group of radio buttons: once on the page. */
  readonly name: string
  readonly label: string
  readonly options: readonly (readonly [value: T, label: string])[]
  readonly value: T
  readonly onChange: (value: T) => void
}

export function Choice<T extends string>({
  name,
  label,
  options,
  value,
  onChange,
}: ChoiceProps<T>) {
  return (
    <fieldset class="choice segmented">
      <legend class="visually-hidden">{label}</legend>
      {options.map(([option, text]) => (
        <label key={option}>
          <input
            type="radio"
            name={name}
            checked={option === value}
            onChange={() => onChange(option)}
          />
          {text}
        </label>
      ))}
    </fieldset>
  )
}
