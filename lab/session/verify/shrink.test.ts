/** Goal: what is left differs still, is a trace, and nothing more can go. */
import { expect, it } from 'vitest'
import { BadInput } from '../../words/bad-input.ts'
import { linesOf, type Trace } from '../../workload/trace/chunk.ts'
import { generateTrace } from '../../workload/trace/generate.ts'
import { parseTrace } from '../../workload/trace/read.ts'
import { shrinkTrace, traceText } from './shrink.ts'

const big = (): Trace =>
  parseTrace('a', generateTrace({ seed: 9, threads: 4, ops: 3000, profile: 'mixed' }))

/** How many ops of a trace match. */
const count = (trace: Trace, pattern: RegExp): number =>
  linesOf(trace).filter((line) => pattern.test(line)).length

it('shrink: keeps the ops a difference needs, and no others', async () => {
  const frees = / f /
  const wanted = count(big(), frees) > 5 ? 5 : 0
  const smallest = await shrinkTrace(big(), async (trace) => count(trace, frees) >= wanted, {
    onSmaller: () => {},
  })
  expect(wanted).toBe(5)
  // Five frees, and the five allocations without which they are no trace.
  expect(count(smallest, frees)).toBe(5)
  expect(linesOf(smallest)).toHaveLength(10)
})

it('shrink: every trial is a trace, and its text parses', async () => {
  const sizes: number[] = []
  const smallest = await shrinkTrace(
    big(),
    async (trace) => {
      const text = new TextEncoder().encode(traceText(trace, 'a trial'))
      expect(parseTrace('a trial', [text]).totals.ops).toBe(trace.totals.ops)
      return count(trace, / r /) >= 3
    },
    { onSmaller: (ops) => sizes.push(ops) },
  )
  expect(count(smallest, / r /)).toBe(3)
  expect(sizes).toEqual([...sizes].sort((a, b) => b - a))
})

it('shrink: what nothing explains leaves nothing, what all need leaves all', async () => {
  const progress = { onSmaller: () => {} }
  const nothing = await shrinkTrace(big(), async () => true, progress)
  expect(linesOf(nothing).filter((line) => !line.startsWith('0 '))).toEqual([])
  const all = parseTrace('a', generateTrace({ seed: 9, threads: 4, ops: 200, profile: 'mixed' }))
  const kept = await shrinkTrace(
    all,
    async (trace) => trace.totals.ops === all.totals.ops,
    progress,
  )
  expect(kept.totals.ops).toBe(all.totals.ops)
})

it('shrink: what the comparison throws is not taken for an answer', async () => {
  const broken = async (): Promise<boolean> => {
    throw new BadInput('no cc')
  }
  await expect(shrinkTrace(big(), broken, { onSmaller: () => {} })).rejects.toThrow('no cc')
})
