/** What keeps each arena from giving memory back, who allocated it and when. */
import type { Pin } from '../../../../lab/metrics/survey-types.ts'
import type { SafepointSample } from '../../../../lab/metrics/types.ts'
import { address, bytes, seconds } from '../format.ts'
import { momentOf, textTick, variants } from '../state.ts'
import type { VariantStore } from '../store/variant.ts'

/** Pins shown of each variant: those that keep most. */
const SHOWN_MAX = 4

export function Pins() {
  textTick.value
  return (
    <div class={`multiples of-${Math.min(variants.value.length, 4)}`}>
      {variants.value.map((variant, place) => (
        <PinsOf variant={variant} key={place} />
      ))}
    </div>
  )
}

function PinsOf({ variant }: { readonly variant: VariantStore }) {
  textTick.value
  const look = variant.looks.at(momentOf(variant))
  const pins = [...(look?.survey?.pins ?? [])].sort((a, b) => b.pinnedBytes - a.pinnedBytes)
  if (look === undefined || pins.length === 0) {
    return <p class="readout">Nothing is pinned: no free page lies below a block that stays.</p>
  }
  return (
    <table class="compact" data-readout="pins">
      <caption class="visually-hidden">
        {`What pins the arenas of ${variant.description.label}`}
      </caption>
      <thead>
        <tr>
          <th scope="col">Pinned</th>
          <th scope="col">Keeps</th>
          <th scope="col">The pin</th>
          <th scope="col">Allocated by</th>
          <th scope="col">When</th>
          <th scope="col">Were it gone</th>
        </tr>
      </thead>
      <tbody>
        {pins.slice(0, SHOWN_MAX).map((pin) => (
          <tr key={pin.arena}>
            <th scope="row">{look.heap.arenas[pin.arena]?.name ?? pin.arena}</th>
            <td>{bytes(pin.pinnedBytes)}</td>
            <td title={address(pin.address)}>{pinText(pin)}</td>
            <td>{pin.seat < 0 ? '–' : `thread ${pin.seat}`}</td>
            <td>{whenText(pin, look)}</td>
            <td>{pin.givesBack === 0 ? 'nothing yet' : `${bytes(pin.givesBack)} back`}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function pinText({ kind, requested, bytes: usable }: Pin): string {
  if (kind === 'live') return `${bytes(requested)} live`
  if (kind === 'cached') return `${bytes(usable)} in a thread’s cache`
  return kind === 'state' ? `${bytes(usable)} of a thread’s cache` : `${bytes(usable)} of a thread`
}

/** After which phase mark, and at what time at the earliest. */
export function whenText({ since, phase }: Pin, look: SafepointSample): string {
  if (since < 0) return '–'
  const at = seconds(since / 1e9)
  if (phase !== '') return `after ${phase}, ${at}`
  return look.t === 0 ? at : `${at} or later`
}
