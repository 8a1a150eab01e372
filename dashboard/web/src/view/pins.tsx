/** What keeps each arena from giving memory back, who allocated it and when. */
import type { Pin } from '../../../../lab/metrics/survey-types.ts'
import type { SafepointSample } from '../../../../lab/metrics/types.ts'
import { address, bytes, seconds } from '../format.ts'
import { momentOf, textTick, variants } from '../state.ts'
import type { VariantStore } from '../store/variant.ts'
import { CompactTable } from './tables.tsx'

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
  const several = variants.value.length > 1
  return (
    <CompactTable
      caption="What pins arenas, those that keep most first"
      readout="pins"
      columns={[
        'Pinned',
        ...(several ? ['Variant'] : []),
        'Keeps',
        'The pin',
        'Allocated by',
        'When',
        'Were it gone',
      ]}
      rows={shown.slice(0, SHOWN_MAX).map(({ variant, look, pin }) => [
        look.heap.arenas[pin.arena]?.name ?? pin.arena,
        ...(several ? [variant.description.label] : []),
        bytes(pin.pinnedBytes),
        <span key="pin" title={address(pin.address)}>
          {pinText(pin)}
        </span>,
        pin.seat < 0 ? '–' : `thread ${pin.seat}`,
        whenText(pin, look),
        pin.givesBack === 0 ? 'nothing: others follow' : `${bytes(pin.givesBack)} back`,
      ])}
    />
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
