/** A picture of which one part can be chosen, by pointer or keys, and is told in words below it. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import { invalidatePicture } from '../frame.ts'
import { CanvasHost, type SizedPicture } from './picture.tsx'

interface PickablePicture extends SizedPicture {
  selected: unknown
}

interface PickedProps<P extends PickablePicture> {
  readonly name: string
  readonly label: string
  readonly make: (canvas: HTMLCanvasElement) => P
  /** What is chosen while nothing is. */
  readonly none: P['selected']
  /** Whether two choices are one. */
  readonly same: (a: P['selected'], b: P['selected']) => boolean
  /** What lies under a point of the picture. */
  readonly at: (picture: P, x: number, y: number) => P['selected']
  /** Where a key leads from the part chosen; undefined for keys that mean nothing here. */
  readonly moved: (picture: P, key: string, from: P['selected']) => P['selected'] | undefined
  /** The part chosen, in words. */
  readonly readout: (selected: P['selected']) => JSX.Element
}

export function Picked<P extends PickablePicture>(props: PickedProps<P>) {
  const { name, label, make, none, same, at, moved, readout } = props
  const picture = useRef<P>(null)
  const selected = useSignal<P['selected']>(none)
  const select = (next: P['selected']): void => {
    if (same(selected.value, next) || picture.current === null) return
    selected.value = next
    picture.current.selected = next
    invalidatePicture(picture.current.element)
  }
  return (
    <>
      <CanvasHost
        name={name}
        label={label}
        make={(canvas) => (picture.current = make(canvas))}
        onPoint={(shown, x, y) => select(at(shown, x, y))}
        onLeave={() => select(none)}
        onKey={(event, shown) => {
          const next = moved(shown, event.key, selected.value)
          if (next === undefined) return
          event.preventDefault()
          select(next)
        }}
      />
      {readout(selected.value)}
    </>
  )
}
