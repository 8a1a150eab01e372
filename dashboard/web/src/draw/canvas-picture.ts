/** What pictures on a canvas have in common. */
import type { Picture } from '../frame.ts'
import { colour } from '../palette.ts'
import type { VariantStore } from '../store/variant.ts'
import { cutText, penOf } from './canvas.ts'
import { AXIS_HEIGHT, GUTTER, MARGIN_RIGHT } from './layout.ts'
import { xAtLeft } from './time-axis.ts'

/** A picture of one variant, as wide as its place on the page. */
export abstract class CanvasPicture implements Picture {
  readonly element: HTMLCanvasElement
  protected readonly variant: VariantStore
  /** CSS pixels; 0 until the place is known. */
  protected width = 0

  constructor(element: HTMLCanvasElement, variant: VariantStore) {
    this.element = element
    this.variant = variant
  }

  resize(width: number): void {
    this.width = width
  }

  abstract paint(): void
}

/** A picture over the shared time axis: rows or lanes right of the gutter, the axis below. */
export abstract class TimePicture extends CanvasPicture {
  /** Axis position under a point of the canvas. */
  xAt(left: number): number {
    return xAtLeft(left, this.width)
  }

  /** Width of what lies between the gutter and the right margin. */
  protected get plotWidth(): number {
    return this.width - GUTTER - MARGIN_RIGHT
  }

  /** A pen for a plot of this height, and its axis; undefined while there is no room. */
  protected penFor(height: number): CanvasRenderingContext2D | undefined {
    return penOf(this.element, this.width, height + AXIS_HEIGHT)
  }
}

/** The name of a row, in the gutter. */
export function drawRowName(
  pen: CanvasRenderingContext2D,
  name: string,
  middle: number,
  token: 'muted' | 'ink' = 'muted',
): void {
  pen.fillStyle = colour(token)
  pen.textAlign = 'right'
  pen.fillText(cutText(pen, name, GUTTER - 8), GUTTER - 8, middle)
  pen.textAlign = 'left'
}

/** The pale ground that marks or cells lie on, right of the gutter. */
export function drawTrack(
  pen: CanvasRenderingContext2D,
  top: number,
  width: number,
  height: number,
): void {
  pen.fillStyle = colour('line')
  pen.globalAlpha = 0.45
  pen.fillRect(GUTTER, top, width, height)
  pen.globalAlpha = 1
}
