/**
 * Colours of pictures. They live in style.css as custom properties, once per theme; here they are
 * read for canvases. Causes follow meaning: blue is in use, grey is fixed cost, yellow to red is
 * free and yet resident, the redder the harder to give back. Neighbours differ in lightness too, so
 * that they stay apart for colour-blind eyes; the pinned part is hatched besides.
 */

/** RSS by cause, bottom to top of the stack. */
export const CAUSES = [
  { key: 'live', label: 'Live', meaning: 'held by the workload' },
  { key: 'blockOverhead', label: 'Block overhead', meaning: 'headers and rounding of live blocks' },
  { key: 'allocatorState', label: 'Allocator state', meaning: 'the design’s own tables' },
  { key: 'other', label: 'Stacks and data', meaning: 'of the process, not the allocator' },
  { key: 'threadCaches', label: 'Thread caches', meaning: 'free, in a thread’s cache' },
  { key: 'freeInBins', label: 'Free in bins', meaning: 'shares its pages with live blocks' },
  { key: 'freeTop', label: 'Free top', meaning: 'at a heap’s end: a trim returns it' },
  { key: 'pinnedFree', label: 'Pinned free', meaning: 'whole pages under a live block' },
] as const
export type Cause = (typeof CAUSES)[number]['key']

/** A colour of the theme: a custom property of style.css. */
export type Token =
  | Cause
  | 'liveMost'
  | 'livePart'
  | 'returned'
  | 'untouched'
  | 'ink'
  | 'muted'
  | 'line'
  | 'surface'
  | 'accent'
  | 'alarm'

const TOKENS: readonly Token[] = [
  ...CAUSES.map(({ key }) => key),
  'liveMost',
  'livePart',
  'returned',
  'untouched',
  'ink',
  'muted',
  'line',
  'surface',
  'accent',
  'alarm',
]

let colours: Partial<Record<Token, string>> = {}
let hatch: { readonly key: string; readonly fill: CanvasPattern | string } | undefined
let heat: readonly string[] = []
/** Steps of the heat scale: as many as eyes can tell apart. */
const HEAT_STEPS = 24

/** Reads the colours of the theme in force; call after every change of theme. */
export function readPalette(): void {
  const style = getComputedStyle(document.documentElement)
  colours = {}
  for (const token of TOKENS) colours[token] = style.getPropertyValue(`--${token}`).trim()
  hatch = undefined
  heat = heatSteps(style.getPropertyValue('--heat').trim().split(/,\s*/))
}

export function colour(token: Token): string {
  if (colours.ink === undefined) readPalette()
  return colours[token] ?? '#888'
}

/**
 * The pinned part: its colour, hatched, so that it shows without colour as well. `scale`: device
 * pixels of a CSS pixel on that canvas; a pen that draws in CSS pixels knows it itself.
 */
function pinnedFill(pen: CanvasRenderingContext2D, scale?: number): CanvasPattern | string {
  const drawn = pen.getTransform().a
  const fine = scale ?? drawn
  const key = `${fine} ${drawn}`
  if (hatch?.key === key) return hatch.fill
  const fill = pen.createPattern(hatchTile(fine), 'repeat')
  // The tile is of device pixels, whatever the pen draws in.
  fill?.setTransform(new DOMMatrix().scale(1 / drawn))
  hatch = { key, fill: fill ?? colour('pinnedFree') }
  return hatch.fill
}

function hatchTile(scale: number): HTMLCanvasElement {
  const size = Math.round(6 * scale)
  const tile = document.createElement('canvas')
  tile.width = tile.height = size
  const pen = tile.getContext('2d')!
  pen.fillStyle = colour('pinnedFree')
  pen.fillRect(0, 0, size, size)
  pen.strokeStyle = colour('surface')
  pen.globalAlpha = 0.45
  pen.lineWidth = scale
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size)
    pen.lineTo(shift + size, 0)
  }
  pen.stroke()
  return tile
}

/**
 * How parts of a picture in this colour are filled: the pinned part is hatched. `scale`: device
 * pixels of a CSS pixel, where the pen does not draw in CSS pixels.
 */
export const fillOf = (
  pen: CanvasRenderingContext2D,
  token: Token,
  scale?: number,
): CanvasPattern | string => (token === 'pinnedFree' ? pinnedFill(pen, scale) : colour(token))

/** Colour of a share 0..1 on the heat scale; nothing at all for 0. */
export function heatColour(share: number): string | undefined {
  if (share <= 0) return undefined
  if (heat.length === 0) readPalette()
  return heat[Math.min(Math.floor(share * HEAT_STEPS), HEAT_STEPS - 1)]
}

/** Colours of the heat scale, palest first. */
export function heatStops(): readonly string[] {
  if (heat.length === 0) readPalette()
  return heat
}

/** A scale through the given hex colours. */
function heatSteps(stops: readonly string[]): string[] {
  const rgb = stops.map((hex) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)))
  return Array.from({ length: HEAT_STEPS }, (_, step) => {
    const place = (step / (HEAT_STEPS - 1)) * (rgb.length - 1)
    const low = Math.min(Math.floor(place), rgb.length - 2)
    const mixed = [0, 1, 2].map((channel) => {
      const from = rgb[low]?.[channel] ?? 0
      return Math.round(from + ((rgb[low + 1]?.[channel] ?? from) - from) * (place - low))
    })
    return `rgb(${mixed.join(' ')})`
  })
}

/** The font of text in pictures, at `px` pixels. */
export const pictureFont = (px: number): string =>
  `${px}px ${getComputedStyle(document.body).fontFamily}`
