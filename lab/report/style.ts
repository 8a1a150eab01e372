/** Colours of a terminal, or none of them. */
import { styleText } from 'node:util'

export interface Style {
  bold(text: string): string
  dim(text: string): string
  good(text: string): string
  bad(text: string): string
  warn(text: string): string
}

type Format = Parameters<typeof styleText>[0]

/** `styleText` by itself looks at stdout; which stream it is for is decided by `styleFor`. */
const paint =
  (format: Format) =>
  (text: string): string =>
    styleText(format, text, { validateStream: false })
const same = (text: string): string => text

export const PLAIN: Style = { bold: same, dim: same, good: same, bad: same, warn: same }

export const COLOURED: Style = {
  bold: paint('bold'),
  dim: paint('dim'),
  good: paint('green'),
  bad: paint('red'),
  warn: paint('yellow'),
}

export interface Terminal {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

/** Colours only where somebody looks: a terminal that is not dumb, and NO_COLOR unset or empty. */
export function styleFor(
  stream: Terminal,
  env: Readonly<Record<string, string | undefined>>,
): Style {
  const unwanted = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb'
  return stream.isTTY === true && !unwanted ? COLOURED : PLAIN
}

/** May lines be drawn over: a terminal that is not dumb and says how high it is. */
export const canRedraw = (
  stream: Terminal,
  env: Readonly<Record<string, string | undefined>>,
): boolean => stream.isTTY === true && env['TERM'] !== 'dumb' && (stream.rows ?? 0) > 0

/** Width of lines nobody has a terminal for. */
const COLUMNS_DEFAULT = 100
const COLUMNS_MIN = 40

export const columnsOf = (stream: Terminal): number =>
  Math.max(COLUMNS_MIN, stream.columns || COLUMNS_DEFAULT)
