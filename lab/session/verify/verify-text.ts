/** What `arena-lab verify` prints. */
import { readableSize } from '../../words/sizes.ts'
import type { CheckpointRss, Comparison, Difference, OpName } from './compare.ts'
import type { Explanation } from './explain.ts'
import type { CallDifference } from './kernel-effects.ts'
import type { SoakRow } from './soak.ts'
import type { Subject } from './subject.ts'

/** Left-out memaligns that are named one by one. */
const NAMED_MAX = 10

const opText = (at: OpName | undefined): string =>
  at === undefined ? 'after the last op' : `op ${at.op + 1} (line ${at.line}): ${at.text}`

export function equalText({ label, allocator }: Subject, comparison: Comparison): string {
  const { ops, placements, checkpoints } = comparison
  const what =
    allocator === 'glibc'
      ? '(mallinfo2, resident bytes, every chunk), malloc_info'
      : '(MallocExtension’s properties, resident bytes)'
  const counts = `${ops} ops, ${placements} placements, ${checkpoints} checkpoints`
  return `${label}: equal: ${counts} ${what}\n`
}

/** `day 4: resident 854 MiB, 895496192 bytes in the model and in the real one`. */
export function checkpointText({ at, label, model, native }: CheckpointRss): string {
  const name = label || (at === undefined ? 'end' : `line ${at.line}`)
  const bytes =
    model === native
      ? `${native} bytes in the model and in the real one`
      : `${model} bytes in the model, ${native} bytes in the real one`
  return `  ${name}: resident ${readableSize(native)}, ${bytes}\n`
}

/** Empty when none was left out. */
export function leftText(left: readonly OpName[]): string {
  if (left.length === 0) return ''
  const why = 'their real outcome depends on address randomization'
  const lines = left.slice(0, NAMED_MAX).map((op) => `  line ${op.line}: ${op.text}`)
  if (left.length > NAMED_MAX) lines.push(`  and ${left.length - NAMED_MAX} more`)
  return [`${left.length} memaligns left out: ${why}`, ...lines, ''].join('\n')
}

export function differenceText(label: string, difference: Difference): string {
  const { what, at, model, native } = difference
  return [
    `${label}: DIFFERENT (${what}) at ${opText(at)}`,
    `  model   ${model}`,
    `  real    ${native}`,
    '',
  ].join('\n')
}

export function callsText(
  label: string,
  calls: number,
  difference: CallDifference | undefined,
): string {
  if (difference === undefined) return `${label}: system calls equal: ${calls}\n`
  const { at, model, native, before } = difference
  return [
    `${label}: system call ${at + 1} is DIFFERENT`,
    `  model   ${model}`,
    `  real    ${native}`,
    `  before  ${before.join(', ')}`,
    '',
  ].join('\n')
}

/** A bin may hold thousands of chunks: the first ones tell enough. */
const LINE_MAX = 200
const cut = (line: string): string =>
  line.length <= LINE_MAX ? line : `${line.slice(0, line.lastIndexOf(' ', LINE_MAX))} …`

export function explanationText(explanation: Explanation): string {
  const { arena, arenaLines, lastOps, earlierState } = explanation
  const lines: string[] = []
  if (earlierState !== undefined) {
    lines.push(`  already different just before: ${earlierState}`)
  }
  lines.push(`  arena ${arena} in the model, just before:`)
  lines.push(...arenaLines.map((line) => `    ${cut(line)}`))
  lines.push(`  last ops on ${arena}:`, ...lastOps.map((line) => `    ${line}`), '')
  return lines.join('\n')
}

/** One row per variant, figures to the right. */
export function soakTable(rows: readonly SoakRow[]): string {
  const head = ['variant', 'traces', 'ops', 'placements', 'checkpoints', 'left out', 'differing']
  const body = rows.map((row) => [
    row.variant,
    ...[row.traces, row.ops, row.placements, row.checkpoints, row.left, row.differing].map(String),
  ])
  const widths = head.map((_, i) => Math.max(...[head, ...body].map((cells) => cells[i]!.length)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
  return `${[head, ...body].map(line).join('\n')}\n`
}
