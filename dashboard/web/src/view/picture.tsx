/** The place of a picture in the page: made once, sized with the page, drawn by frame.ts. */
import { useEffect, useRef } from 'preact/hooks'
import type { TimePicture } from '../draw/canvas-picture.ts'
import { addPicture, invalidatePicture, type Picture } from '../frame.ts'
import { axisEnd, axisRange, hoverAt, lookAt, moment, zoomTo } from '../state.ts'

/** What is not a control and yet reached by Tab: boxes that scroll, pictures that keys steer. */
export const KEYBOARD_STOP = { tabIndex: 0 } as const

export interface SizedPicture extends Picture {
  resize(width: number): void
  destroy?(): void
}

interface HostProps<P extends SizedPicture> {
  /** What the picture shows, for those who do not see it. */
  readonly label: string
  readonly make: (element: HTMLElement) => P
  readonly height: number
  /** For tests and styles: which picture this is. */
  readonly name: string
}

/** A chart that fills an element of its own and is steered along the time axis by keys. */
export function ChartHost<P extends SizedPicture>({ label, make, height, name }: HostProps<P>) {
  const ref = useRef<HTMLDivElement>(null)
  useEffect(() => attach(ref.current!, ref.current!, make(ref.current!)), [])
  return (
    <div
      ref={ref}
      class="chart"
      // Screen readers pass keys on to an application, not to an image.
      role="application"
      aria-roledescription="picture"
      {...KEYBOARD_STOP}
      aria-label={`${label} Arrow keys move the moment looked at, + and − zoom, Escape follows.`}
      data-picture={name}
      style={{ minHeight: `${height}px` }}
      onKeyDown={onTimeKey}
    />
  )
}

interface CanvasProps<P extends SizedPicture> {
  readonly label: string
  readonly make: (canvas: HTMLCanvasElement) => P
  readonly name: string
  /** The pointer is at this point of the canvas, in CSS pixels. */
  readonly onPoint: (picture: P, x: number, y: number) => void
  /** The pointer left; the focus too, unless `onClick` says that the point stays chosen. */
  readonly onLeave: () => void
  /** The point is chosen for good. */
  readonly onClick?: (picture: P, x: number, y: number) => void
  readonly onKey: (event: KeyboardEvent, picture: P) => void
}

/** A canvas with its pointer and keys. */
export function CanvasHost<P extends SizedPicture>(props: CanvasProps<P>) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const box = useRef<HTMLDivElement>(null)
  const picture = useRef<P>(null)
  useEffect(() => {
    picture.current = props.make(canvas.current!)
    return attach(canvas.current!, box.current!, picture.current)
  }, [])
  return (
    <div
      ref={box}
      class="canvas-box"
      role="application"
      aria-roledescription="picture"
      {...KEYBOARD_STOP}
      aria-label={props.label}
      onMouseMove={(event) => {
        if (event.target !== canvas.current || picture.current === null) return
        props.onPoint(picture.current, event.offsetX, event.offsetY)
      }}
      onMouseLeave={props.onLeave}
      onBlur={() => {
        if (props.onClick === undefined) props.onLeave()
      }}
      onClick={(event) => {
        if (event.target !== canvas.current || picture.current === null) return
        props.onClick?.(picture.current, event.offsetX, event.offsetY)
      }}
      onKeyDown={(event) => {
        if (picture.current !== null) props.onKey(event, picture.current)
      }}
    >
      <canvas ref={canvas} data-picture={props.name} />
    </div>
  )
}

interface TimeHostProps<P extends TimePicture> {
  readonly name: string
  readonly label: string
  readonly make: (canvas: HTMLCanvasElement) => P
}

/** A canvas over the shared time axis: pointer and keys move the moment looked at. */
export function TimeHost<P extends TimePicture>({ name, label, make }: TimeHostProps<P>) {
  return (
    <CanvasHost
      name={name}
      label={`${label} Arrow keys move the moment looked at.`}
      make={make}
      onPoint={(picture, x) => hoverAt(picture.xAt(x))}
      onLeave={() => hoverAt(null)}
      onClick={(picture, x) => lookAt(picture.xAt(x))}
      onKey={onTimeKey}
    />
  )
}

/** Registers a picture with the frame loop and the size of its box; the result undoes both. */
function attach(element: Element, box: Element, picture: SizedPicture): () => void {
  const remove = addPicture(picture)
  const observer = new ResizeObserver(([entry]) => {
    const width = Math.floor(entry!.contentRect.width)
    if (width === 0) return
    picture.resize(width)
    invalidatePicture(element)
  })
  observer.observe(box)
  return () => {
    observer.disconnect()
    remove()
    picture.destroy?.()
  }
}

/** Keys of every picture over time. */
function onTimeKey(event: KeyboardEvent): void {
  const [min, max] = axisRange()
  const step = (max - min) / (event.shiftKey ? 10 : 100)
  const at = moment.value ?? axisEnd()
  const actions: Record<string, () => void> = {
    ArrowLeft: () => lookAt(at - step),
    ArrowRight: () => lookAt(at + step),
    Home: () => lookAt(0),
    End: () => lookAt(null),
    Escape: () => {
      lookAt(null)
      zoomTo(null)
    },
    '+': () => zoomAround(at, 0.5),
    '=': () => zoomAround(at, 0.5),
    '-': () => zoomAround(at, 2),
  }
  const action = actions[event.key]
  if (action === undefined || event.ctrlKey || event.metaKey || event.altKey) return
  event.preventDefault()
  action()
}

function zoomAround(at: number, factor: number): void {
  const [min, max] = axisRange()
  const end = axisEnd()
  const width = (max - min) * factor
  const low = Math.min(Math.max(at - width / 2, 0), end - width)
  zoomTo(width >= end ? null : [low, low + width])
}
