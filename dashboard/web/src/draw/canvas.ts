/** A canvas that is sharp on any screen. */
import { pictureFont } from '../palette.ts'

/** Device pixels of a CSS pixel while pictures are drawn for a file; 0: as the screen has them. */
let fileScale = 0

/** Draws pictures `scale` times as fine from now on; 0: as the screen needs them. */
export function drawForFile(scale: number): void {
  fileScale = scale
}

/** How fine pictures are drawn for a file at the moment; 0 when they are drawn for the screen. */
export const scaleForFile = (): number => fileScale

/** Canvases that stand for others in files: those of pictures which cannot be drawn finer. */
const fineCanvases = new WeakMap<HTMLCanvasElement, HTMLCanvasElement>()

/** In files `fine` stands where `canvas` is; undefined: the canvas itself. */
export function showFine(canvas: HTMLCanvasElement, fine: HTMLCanvasElement | undefined): void {
  if (fine === undefined) fineCanvases.delete(canvas)
  else fineCanvases.set(canvas, fine)
}

/** What a file shows where this canvas is. */
export const fineOf = (canvas: HTMLCanvasElement): HTMLCanvasElement =>
  fineCanvases.get(canvas) ?? canvas

/**
 * Sizes a canvas for `width` × `height` CSS pixels and gives a cleared pen in those pixels.
 * Undefined while the canvas has no size.
 */
export function penOf(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
): CanvasRenderingContext2D | undefined {
  if (width <= 0 || height <= 0) return undefined
  const scale = fileScale || window.devicePixelRatio || 1
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)]
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w
    canvas.height = h
    canvas.style.width = `${width}px`
    canvas.style.height = `${height}px`
  }
  const pen = canvas.getContext('2d')!
  pen.setTransform(scale, 0, 0, scale, 0, 0)
  pen.clearRect(0, 0, width, height)
  pen.font = pictureFont(11)
  pen.textAlign = 'left'
  pen.textBaseline = 'middle'
  return pen
}

/** Cuts a text to a width, with an ellipsis. */
export function cutText(pen: CanvasRenderingContext2D, text: string, width: number): string {
  if (pen.measureText(text).width <= width) return text
  let length = text.length
  while (length > 1 && pen.measureText(`${text.slice(0, length)}…`).width > width) length--
  return `${text.slice(0, length)}…`
}
