/** The moment looked at: a slider over the whole run; and how variants lie beside each other. */
import {
  alignBy,
  alignment,
  axisEnd,
  axisText,
  connection,
  lookAt,
  moment,
  textTick,
  variants,
  zoom,
  zoomTo,
} from '../state.ts'

export function TimeBar() {
  textTick.value
  const end = axisEnd()
  const at = moment.value ?? end
  const newest = connection.value === 'offline' ? 'End' : 'Newest'
  return (
    <section class="timebar" aria-label="Moment looked at">
      <button
        type="button"
        aria-pressed={moment.value === null}
        class="follow"
        onClick={() => lookAt(null)}
      >
        {newest}
      </button>
      <input
        type="range"
        aria-label="Moment"
        aria-valuetext={axisText(at)}
        min={0}
        max={end}
        step={end / 1000}
        value={at}
        onInput={(event) => lookAt(Number(event.currentTarget.value))}
      />
      <output class="moment">{axisText(at)}</output>
      {zoom.value !== null && (
        <button type="button" class="quiet" onClick={() => zoomTo(null)}>
          Whole run
        </button>
      )}
      {variants.value.length > 1 && <AlignmentChoice />}
    </section>
  )
}

function AlignmentChoice() {
  return (
    <fieldset class="choice">
      <legend class="visually-hidden">Lay variants beside each other</legend>
      {(['time', 'phase'] as const).map((by) => (
        <label key={by}>
          <input
            type="radio"
            name="alignment"
            checked={alignment.value === by}
            onChange={() => alignBy(by)}
          />
          {by === 'time' ? 'by run time' : 'by phase'}
        </label>
      ))}
    </fieldset>
  )
}
