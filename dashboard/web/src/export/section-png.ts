/**
 * A view as a PNG, for a post-mortem: what is on the page, at twice its size, under a line that
 * says which run it is. Pictures are copied; words, lines and swatches are drawn anew where the
 * page has them. No markup is put into an image, so that nothing can taint the canvas.
 */
import { fineOf } from '../draw/canvas.ts'
import { colour, fillOf, heatStops, pictureFont } from '../palette.ts'

/** Pixels of the file for one of the page. */
export const FILE_SCALE = 2
const PADDING = 20
/** Room for the line that says which run it is. */
const HEAD = 30
/** Controls and what is only for screen readers. */
const LEFT_OUT =
  'button:not(.time), select, input, .filter, .view-tools, .visually-hidden, .table-box'

/** Draws a section of the page. `head` says which run it is and which moment. */
export async function sectionPng(section: HTMLElement, head: string): Promise<Blob> {
  const box = section.getBoundingClientRect()
  const canvas = document.createElement('canvas')
  canvas.width = Math.ceil((box.width + 2 * PADDING) * FILE_SCALE)
  canvas.height = Math.ceil((bottomOf(section) - box.top + HEAD + PADDING) * FILE_SCALE)
  const pen = canvas.getContext('2d')!
  pen.fillStyle = colour('surface')
  pen.fillRect(0, 0, canvas.width, canvas.height)
  pen.scale(FILE_SCALE, FILE_SCALE)
  pen.font = pictureFont(12)
  pen.fillStyle = colour('muted')
  pen.fillText(head, PADDING + 20, HEAD - 4, box.width)
  pen.translate(PADDING - box.left, HEAD - box.top)
  for (const child of section.children) drawElement(pen, child)
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => {
      if (blob === null) reject(new Error('this browser cannot make a picture of that size'))
      else resolve(blob)
    }, 'image/png'),
  )
}

/** Where what is drawn ends: an open table is left out, and so is the room it takes. */
function bottomOf(section: HTMLElement): number {
  const table = section.querySelector('.table-box')
  return (table ?? section).getBoundingClientRect()[table === null ? 'bottom' : 'top']
}

function drawElement(pen: CanvasRenderingContext2D, element: Element): void {
  const box = element.getBoundingClientRect()
  if (element.matches('.legend :checked')) drawDashes(pen, box)
  if (element.matches(LEFT_OUT)) return
  if (element instanceof HTMLCanvasElement) {
    if (box.width > 0) pen.drawImage(fineOf(element), box.left, box.top, box.width, box.height)
    return
  }
  const style = getComputedStyle(element)
  if (style.visibility === 'hidden' || style.display === 'none') return
  drawBox(pen, element, box, style)
  for (const child of element.childNodes) {
    if (child instanceof Element) drawElement(pen, child)
    else if (child instanceof Text) drawText(pen, child, style)
  }
}

/** What can be switched on and off on the page is drawn dashed, and marked so in a file. */
function drawDashes(pen: CanvasRenderingContext2D, box: DOMRect): void {
  pen.fillStyle = colour('muted')
  for (const part of [0, 0.6]) {
    pen.fillRect(box.left + part * box.width, box.top + box.height / 2 - 1, 0.4 * box.width, 2)
  }
}

function drawBox(
  pen: CanvasRenderingContext2D,
  element: Element,
  box: DOMRect,
  style: CSSStyleDeclaration,
): void {
  if (element.classList.contains('pin-mark')) {
    pen.fillStyle = colour('ink')
    pen.fillRect(box.left, box.top, box.width, box.height / 2)
    pen.fillRect(box.left + 0.38 * box.width, box.top, 0.24 * box.width, box.height)
    return
  }
  const fill = backgroundOf(pen, box, style)
  if (fill !== undefined) {
    pen.fillStyle = fill
    pen.fillRect(box.left, box.top, box.width, box.height)
  }
  const width = Number.parseFloat(style.borderBottomWidth)
  if (!(width > 0) || style.borderBottomStyle === 'none') return
  pen.fillStyle = pen.strokeStyle = style.borderBottomColor
  if (Number.parseFloat(style.borderTopWidth) > 0) {
    pen.lineWidth = width
    pen.strokeRect(box.left + 0.5, box.top + 0.5, box.width - 1, box.height - 1)
  } else {
    pen.fillRect(box.left, box.bottom - width, box.width, width)
  }
}

/** Plain colours as they are; of gradients there are two: the hatch and the heat scale. */
function backgroundOf(
  pen: CanvasRenderingContext2D,
  box: DOMRect,
  style: CSSStyleDeclaration,
): CanvasPattern | CanvasGradient | string | undefined {
  if (style.backgroundImage.startsWith('repeating')) return fillOf(pen, 'pinnedFree')
  if (style.backgroundImage.startsWith('linear')) {
    const gradient = pen.createLinearGradient(box.left, 0, box.right, 0)
    const stops = heatStops()
    for (const [place, stop] of stops.entries()) {
      gradient.addColorStop(place / (stops.length - 1), stop)
    }
    return gradient
  }
  const isClear = style.backgroundColor === 'transparent' || /, 0\)$/.test(style.backgroundColor)
  return isClear ? undefined : style.backgroundColor
}

/** Word by word, each where the page has it: lines break as they do there. */
function drawText(pen: CanvasRenderingContext2D, text: Text, style: CSSStyleDeclaration): void {
  const range = document.createRange()
  pen.fillStyle = style.color
  pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`
  pen.textAlign = 'left'
  pen.textBaseline = 'alphabetic'
  for (const word of text.data.matchAll(/[^ \n\t]+/g)) {
    range.setStart(text, word.index)
    range.setEnd(text, word.index + word[0].length)
    const box = range.getClientRects()[0]
    if (box === undefined || box.width === 0) continue
    const { fontBoundingBoxAscent: up, fontBoundingBoxDescent: down } = pen.measureText(word[0])
    pen.fillText(word[0], box.left, box.top + (box.height - up - down) / 2 + up)
  }
}
