/** Tables without boxes, and lists with a hanging label: what the terminal summary is made of. */
import Table from 'cli-table3'
import type { Style } from './style.ts'

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}

/** A column of figures, under a heading. Cells may carry colours. */
export interface Column {
  readonly heading: string
  readonly cells: readonly string[]
}

/** Widest heading before it is broken over lines. */
const HEADING_MAX = 24
const GAP = 2
const INDENT = 2

/**
 * Rows by label, one column per variant, figures to the right. Columns that do not fit into `width`
 * go to a further table below.
 */
export function figureTable(
  labels: readonly string[],
  columns: readonly Column[],
  width: number,
  style: Style,
): string {
  const labelWidth = Math.max(...labels.map((label) => label.length))
  const widths = columns.map(columnWidth)
  const tables: string[] = []
  for (let first = 0; first < columns.length; ) {
    let used = INDENT + labelWidth + GAP + widths[first]!
    let end = first + 1
    while (end < columns.length && used + GAP + widths[end]! <= width) used += GAP + widths[end++]!
    tables.push(oneTable(labels, columns.slice(first, end), style))
    first = end
  }
  return tables.join('\n\n')
}

function columnWidth({ heading, cells }: Column): number {
  const lines = brokenHeading(heading).split('\n')
  return Math.max(...lines.map((line) => line.length), ...cells.map(visibleLength))
}

function oneTable(labels: readonly string[], columns: readonly Column[], style: Style): string {
  const table = new Table({
    head: ['', ...columns.map(({ heading }) => style.bold(brokenHeading(heading)))],
    colAligns: ['left', ...columns.map(() => 'right' as const)],
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  })
  for (const [row, label] of labels.entries()) {
    table.push([style.dim(label), ...columns.map(({ cells }) => cells[row] ?? '')])
  }
  return indented(table.toString().split('\n'))
}

/** A variant's name over several lines: broken after colons, commas and slashes. */
function brokenHeading(heading: string): string {
  const lines: string[] = []
  let line = ''
  for (const part of heading.split(/(?<=[:,/])/)) {
    if (line !== '' && line.length + part.length > HEADING_MAX) {
      lines.push(line)
      line = ''
    }
    line += part
  }
  return [...lines, line].join('\n')
}

/** Entries under a title: label to the left, its lines beside it, wrapped to `width`. */
export function labelledList(
  entries: readonly { readonly label: string; readonly lines: readonly string[] }[],
  width: number,
  style: Style,
): string {
  const longest = Math.max(...entries.map(({ label }) => label.length))
  const hanging = longest + GAP + INDENT <= width / 2
  const textWidth = Math.max(30, width - INDENT - (hanging ? longest + GAP : INDENT))
  const out: string[] = []
  for (const { label, lines } of entries) {
    const wrapped = lines.flatMap((line) => wrap(line, textWidth))
    if (!hanging) out.push(style.bold(label))
    for (const [place, line] of wrapped.entries()) {
      const head = hanging ? (place === 0 ? label : '').padEnd(longest + GAP) : ' '.repeat(INDENT)
      out.push(`${place === 0 && hanging ? style.bold(head) : head}${line}`)
    }
  }
  return indented(out)
}

/** Breaks at spaces, but no figure from its unit; longer words stay whole. Colours do not count. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/(?<!\d) /)) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && visibleLength(longer) > width) {
      lines.push(line)
      line = word
    } else {
      line = longer
    }
  }
  return [...lines, line]
}

const ESCAPE = String.fromCharCode(27)
const COLOURS = new RegExp(`${ESCAPE}\\[[0-9;]*m`, 'g')
export const visibleLength = (text: string): number => text.replace(COLOURS, '').length

const indented = (lines: readonly string[]): string =>
  lines.map((line) => `${' '.repeat(INDENT)}${line}`.trimEnd()).join('\n')
