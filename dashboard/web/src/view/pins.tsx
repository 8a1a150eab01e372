/** What keeps each arena from giving memory back, who allocated it and when. */
import type { Pin } from '../../../../lab/metrics/survey-types.ts'
import type { SafepointSample } from '../../../../lab/metrics/types.ts'
import { address, bytes, seconds } from '../format.ts'
import { momentOf, textTick, variants } from '../state.ts'
import type { VariantStore } from '../store/variant.ts'

/** Pins shown of all variants: those that keep most. */
const SHOWN_MAX = 6

interface Shown {
  readonly variant: VariantStore
  readonly look: SafepointSample
  readonly pin: Pin
}

export function Pins() {
  textTick.value
  const shown = variants.value
    .flatMap((variant): Shown[] => {
      const look = variant.looks.at(momentOf(variant))
      return (look?.survey?.pins ?? []).map((pin) => ({ variant, look: look!, pin }))
    })
    .sort((a, b) => b.pin.pinnedBytes - a.pin.pinnedBytes)
  if (shown.length === 0) {
    return <p class="readout">Nothing is pinned: no free page lies below a block that stays.</p>
  }
  return (
    <div class="legend-box">
      <table class="compact inset" data-readout="pins">
        <caption class="visually-hidden">What pins arenas, those that keep most first</caption>
        <thead>
          <tr>
            <th scope="col">Pinned</th>
            {variants.value.length > 1 && <th scope="col">Variant</th>}
            <th scope="col">Keeps</th>
            <th scope="col">The pin</th>
            <th scope="col">Allocated by</th>
            <th scope="col">When</th>
            <th scope="col">Were it gone</th>
          </tr>
        </thead>
        <tbody>
          {shown.slice(0, SHOWN_MAX).map(({ variant, look, pin }, place) => (
            <tr key={place}>
              <th scope="row">{look.heap.arenas[pin.arena]?.name ?? pin.arena}</th>
              {variants.value.length > 1 && <td>{variant.description.label}</td>}
              <td>{bytes(pin.pinnedBytes)}</td>
              <td title={address(pin.address)}>{pinText(pin)}</td>
              <td>{pin.seat < 0 ? '–' : `thread ${pin.seat}`}</td>
              <td>{whenText(pin, look)}</td>
              <td>
                {pin.givesBack === 0 ? 'nothing: others follow' : `${bytes(pin.givesBack)} back`}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function pinText({ kind, requested, bytes: usable }: Pin): string {
  if (kind === 'live') return `${bytes(requested)} live`
  if (kind === 'cached') return `${bytes(usable)} in a thread’s cache`
  return kind === 'state' ? `${bytes(usable)} of a thread’s cache` : `${bytes(usable)} of a thread`
}

/** After which phase mark, and at what time at the earliest. */
function whenText({ since, phase }: Pin, look: SafepointSample): string {
  if (since < 0) return '–'
  const at = seconds(since / 1e9)
  if (phase !== '') return `after ${phase}, ${at}`
  return look.t === 0 ? at : `${at} or later`
}
