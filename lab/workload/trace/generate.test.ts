/** What generated traces are made of, counted from their lines alone. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { readSlowly } from '../../../test/slow-trace-reader.ts'
import { linesOf, type Trace } from './chunk.ts'
import { isAlignment } from './format.ts'
import { generateTrace } from './generate.ts'
import { PROFILE_NAMES } from './profiles.ts'
import { parseTrace, readWholeTrace } from './read.ts'

const folder = mkdtempSync(join(tmpdir(), 'arena-lab-trace-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('trace generator', () => {
  const textOf = (options: Parameters<typeof generateTrace>[0]): string =>
    Buffer.concat([...generateTrace(options)]).toString()

  it('makes lawful traces of any seed, profile and number of threads', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 2000 }),
        fc.constantFrom(...PROFILE_NAMES),
        (seed, threads, ops, profile) => {
          const text = textOf({ seed, threads, ops, profile })
          const slow = readSlowly(text)
          expect(slow).toHaveLength(ops)
          expect(linesOf(parseTrace('t', [Buffer.from(text)]))).toEqual(slow)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('stays lawful over a million ops', () => {
    // Rare turns of the road: NULL blocks reallocated, numbers of ended threads used again.
    for (const profile of PROFILE_NAMES) {
      const options = { seed: 99, threads: 12, ops: 200_000, profile }
      expect(parseTrace('t', generateTrace(options)).totals.ops).toBe(200_000)
    }
  })

  it('is the same for the same seed, on every Node', () => {
    const options = { seed: 7, threads: 3, ops: 12, profile: 'mixed' } as const
    expect(textOf(options)).toMatchInlineSnapshot(`
      "# arena-lab-trace 1
      # arena-lab trace generate: seed 7, profile mixed
      # up to 3 threads at once, 12 ops
      0 m 0 77
      0 m 1 4041
      0 w 1
      0 f 1
      0 m 2 110
      0 f 2
      0 f 0
      0 c 3 1 16320
      0 f 3
      0 m 4 14951
      0 f 4
      k
      "
    `)
    expect(textOf({ ...options, seed: 8 })).not.toBe(textOf(options))
  })

  it.each(PROFILE_NAMES)('%s: every op, bounded live bytes, threads as asked', async (profile) => {
    const file = join(folder, `${profile}.trace`)
    writeFileSync(file, textOf({ seed: 11, threads: 5, ops: 100_000, profile }))
    const { chunks, totals } = await readWholeTrace(file)
    const census = takeCensus(chunks)
    expect([...census.letters].sort().join('')).toBe('acfkmrtwx')
    expect(census.liveBytesMax).toBeLessThanOrEqual(256 * 1024 * 1024)
    expect(census.liveBytesMax).toBeGreaterThan(1024 * 1024)
    expect(census.threadsMax).toBe(5)
    expect(census.refused).toBeGreaterThan(5)
    expect(census.remoteFrees).toBeGreaterThan(1000)
    expect(census.wideAlignments).toBeGreaterThan(50)
    expect(census.reallocsToZero).toBeGreaterThan(20)
    expect(totals.ops).toBe(100_000)
    expect(totals.threads).toBeGreaterThan(5)
  })

  it('keeps alignments over a page off requests that may be mapped', () => {
    for (const mmapThreshold of [128 * 1024, 4096]) {
      const text = textOf({ seed: 5, threads: 4, ops: 50_000, profile: 'large', mmapThreshold })
      for (const [, alignment, bytes] of text.matchAll(/^\d+ a \d+ (\d+) (\d+)$/gm)) {
        if (Number(alignment) <= 4096) continue
        expect(isAlignment(Number(alignment))).toBe(true)
        expect(Number(alignment) + Number(bytes) + 64).toBeLessThan(mmapThreshold)
      }
    }
  })
})

interface Census {
  letters: Set<string>
  liveBytesMax: number
  threadsMax: number
  refused: number
  remoteFrees: number
  wideAlignments: number
  reallocsToZero: number
}

/** Counts what a trace does, from its lines alone. */
function takeCensus(chunks: Trace['chunks']): Census {
  const census: Census = {
    letters: new Set(),
    liveBytesMax: 0,
    threadsMax: 1,
    refused: 0,
    remoteFrees: 0,
    wideAlignments: 0,
    reallocsToZero: 0,
  }
  const blocks = new Map<string, { bytes: number; thread: string }>()
  const threads = new Set(['0'])
  let live = 0
  for (const line of linesOf({ chunks })) {
    const [thread = '', op = 'k', block = '', a = '0', b = '0'] = line.split(' ')
    census.letters.add(op)
    if (op === 'k') continue
    threads.add(thread)
    census.threadsMax = Math.max(census.threadsMax, threads.size)
    if (op === 'x') threads.delete(thread)
    const asked = op === 'c' ? Number(a) * Number(b) : Number(op === 'a' ? b : a)
    const before = blocks.get(block)
    if ('mcar'.includes(op)) {
      if (asked >= 2 ** 48) census.refused++
      if (op === 'a' && Number(a) > 4096) census.wideAlignments++
      if (op === 'r' && asked === 0) census.reallocsToZero++
      const bytes = asked < 2 ** 48 ? asked : (before?.bytes ?? 0)
      live += bytes - (before?.bytes ?? 0)
      blocks.set(block, { bytes, thread: before?.thread ?? thread })
    } else if (op === 'f') {
      live -= before?.bytes ?? 0
      if (before?.thread !== thread) census.remoteFrees++
      blocks.delete(block)
    }
    census.liveBytesMax = Math.max(census.liveBytesMax, live)
  }
  return census
}
