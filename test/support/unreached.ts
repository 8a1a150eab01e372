/** What V8's block coverage says was never carried out, and which `if` was never skipped. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseAst } from 'vite'

interface Range {
  readonly startOffset: number
  readonly endOffset: number
  readonly count: number
}
interface NamedRange extends Range {
  readonly function: string
}
interface FileCoverage {
  readonly url: string
  readonly functions: readonly {
    readonly functionName: string
    readonly ranges: readonly Range[]
  }[]
}

/** Found again by its text: line numbers would change with every edit above it. */
export interface UnreachedBranch {
  /** Name of the compiled file. */
  readonly file: string
  readonly function: string
  /**
   * The branch's text, from two lines above, white space joined, cut. An `if` that was always
   * taken begins with `skipped:`.
   */
  readonly branch: string
}

const SHOWN_MAX = 200

/**
 * Branches that were not reached, of the files that `wanted` accepts, outermost ones alone.
 * `folder` is what NODE_V8_COVERAGE named for one process.
 */
export function unreachedBranches(
  folder: string,
  wanted: (url: string) => boolean,
): UnreachedBranch[] {
  const [file = '', ...more] = readdirSync(folder)
  if (more.length > 0) throw new Error(`coverage of ${more.length + 1} processes in ${folder}`)
  const { result } = JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as {
    readonly result: readonly FileCoverage[]
  }
  return result.filter(({ url }) => wanted(url)).flatMap(inFile)
}

function inFile({ url, functions }: FileCoverage): UnreachedBranch[] {
  const path = fileURLToPath(url)
  const source = readFileSync(path, 'utf8')
  const ranges = functions.flatMap(({ functionName, ranges: own }) =>
    own.map((range) => ({ ...range, function: functionName })),
  )
  const file = path.slice(path.lastIndexOf('/') + 1)
  const named = ({ function: name }: NamedRange, prefix: string, start: number, end: number) => ({
    file,
    function: name,
    branch: prefix + shown(source.slice(lineBefore(source, start), end)),
  })
  const dead = outermost(ranges.filter(({ count }) => count === 0))
  return [
    ...dead.map((range) => named(range, '', range.startOffset, range.endOffset)),
    ...ifsNeverSkipped(source, ranges).map(({ range, start, end }) =>
      named(range, 'skipped: ', start, end),
    ),
  ]
}

/** Without comments, also one that began before `text`: their words change more often than code. */
const shown = (text: string): string =>
  text
    .replace(/^(?:(?!\/\*)[\s\S])*?\*\//, '')
    .replace(/\/\*[\s\S]*?(\*\/|$)/g, '')
    .replace(/\/\/.*$/gm, '')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, SHOWN_MAX)

const LINES_BEFORE = 2

/** Start of a line above: without its condition, one `return` is like another. */
function lineBefore(source: string, offset: number): number {
  let newline = source.lastIndexOf('\n', offset - 1)
  for (let i = 0; i < LINES_BEFORE; i++) newline = source.lastIndexOf('\n', newline - 1)
  return newline + 1
}

const outermost = (ranges: readonly NamedRange[]): NamedRange[] =>
  ranges.filter((range) => !ranges.some((other) => other !== range && holds(other, range)))

const holds = (outer: Range, inner: Range): boolean =>
  outer.startOffset <= inner.startOffset &&
  outer.endOffset >= inner.endOffset &&
  outer.endOffset - outer.startOffset > inner.endOffset - inner.startOffset

// ── an `if` without `else` ─────────────────────────────────────────────────────────────────────

interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly end: number
}
interface IfNode extends SyntaxNode {
  readonly consequent: SyntaxNode
  readonly alternate: SyntaxNode | null
}

interface AlwaysTaken {
  readonly range: NamedRange
  readonly start: number
  readonly end: number
}

/** V8 has no range for an `else` that is not written: its count is the difference of the two. */
function ifsNeverSkipped(source: string, ranges: readonly NamedRange[]): AlwaysTaken[] {
  const found: AlwaysTaken[] = []
  visit(parseAst(source), (node) => {
    if (node.type !== 'IfStatement') return
    const { start, end, consequent, alternate } = node as IfNode
    if (alternate !== null) return
    const outer = innermostAt(ranges, start)
    // The braces of a block may lie outside its range.
    const taken = innermostAt(ranges, consequent.start + 1)
    if (outer !== undefined && outer.count > 0 && outer.count === taken?.count) {
      found.push({ range: outer, start, end })
    }
  })
  return found
}

function innermostAt(ranges: readonly NamedRange[], offset: number): NamedRange | undefined {
  let best: NamedRange | undefined
  for (const range of ranges) {
    if (range.startOffset > offset || range.endOffset <= offset) continue
    if (best === undefined || !holds(range, best)) best = range
  }
  return best
}

function visit(value: unknown, take: (node: SyntaxNode) => void): void {
  if (typeof value !== 'object' || value === null) return
  if ('type' in value && 'start' in value && 'end' in value) take(value as SyntaxNode)
  for (const part of Object.values(value)) visit(part, take)
}
