/**
 * Random ops on both designs: no overlap, right alignment, contents kept, every invariant of
 * `check` after every few ops, and, when all is freed, all memory accounted for.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Design, RegionKind } from '../contract.ts'
import { glibc } from './glibc.ts'
import { ptmalloc2 } from './ptmalloc2.ts'
import { tunablesOf } from './test/defaults.ts'
import { type RandomOp, Shadow } from './test/shadow.ts'
import { type GlibcTunables, glibcSpecs, ptmalloc2Specs } from './tunables.ts'

const THREADS = 4
const SLOTS = 60

const bytes = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 1100 }) },
  { weight: 3, arbitrary: fc.integer({ min: 900, max: 70_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 100_000, max: 400_000 }) },
)
const thread = fc.integer({ min: 0, max: THREADS - 1 })
const slot = fc.integer({ min: 0, max: SLOTS - 1 })
const op: fc.Arbitrary<RandomOp> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ op: fc.constant('malloc'), thread, slot, bytes }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('calloc'), thread, slot, bytes }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('realloc'), thread, slot, bytes }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('memalign'),
      thread,
      slot,
      bytes,
      shift: fc.integer({ min: 3, max: 12 }),
    }),
  },
  { weight: 8, arbitrary: fc.record({ op: fc.constant('free'), thread, slot }) },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('trim'), thread, pad: fc.nat({ max: 200_000 }) }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('exit'), thread }) },
) as fc.Arbitrary<RandomOp>

function holds<T>(design: Design<T>, tunables: T, runs: number): void {
  fc.assert(
    fc.property(fc.array(op, { minLength: 50, maxLength: 400, size: 'max' }), (ops) => {
      const shadow = new Shadow(design, tunables)
      for (const [index, next] of ops.entries()) {
        shadow.run(next)
        if (index % 10 === 0) expect(shadow.violations()).toEqual([])
      }
      shadow.freeAll()
      for (let t = 1; t < THREADS; t++) shadow.run({ op: 'exit', thread: t })
      expect(shadow.violations()).toEqual([])
      let usable = 0
      const report = design.inspect(shadow.process, tunables, (_start, words, kind) => {
        if (kind === RegionKind.USABLE) usable += words
      })
      expect(report.partial).toBe(false)
      expect(usable).toBe(0)
    }),
    { numRuns: runs },
  )
}

const variants: readonly [string, Partial<GlibcTunables>][] = [
  ['defaults', {}],
  ['no thread cache', { tcache_count: 0 }],
  ['one arena', { arena_max: 1 }],
  ['no mapped blocks', { mmap_max: 0 }],
  ['everything mapped', { mmap_threshold: 0 }],
  ['always trimming', { trim_threshold: 0, top_pad: 0 }],
  ['no fastbins', { mxfast: 0, tcache_count: 2 }],
  ['perturbed', { perturb: 165 }],
]

describe('glibc: random ops keep every invariant', () => {
  for (const [name, set] of variants) {
    it(name, () => holds(glibc, tunablesOf(glibcSpecs, set), 8))
  }
})

describe('ptmalloc2: random ops keep every invariant', () => {
  it('defaults', () => holds(ptmalloc2, tunablesOf(ptmalloc2Specs), 8))
  it('heaps of 1 MiB', () => {
    holds(ptmalloc2, tunablesOf(ptmalloc2Specs, { heap_max: 2 ** 20 }), 8)
  })
})
