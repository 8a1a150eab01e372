/** Goal: what a tired engineer reads is right, aligned and fits the terminal. */
import { describe, expect, it } from 'vitest'
import type { RunSummary, VariantSummary } from '../metrics/types.ts'
import { MIB } from '../words/units.ts'
import { strandedLines } from './stranded.ts'
import { COLOURED, canRedraw, columnsOf, PLAIN, styleFor } from './style.ts'
import { summaryText } from './summary-text.ts'
import { visibleLength } from './table.ts'
import { killed, mainJob, survivor } from './test/summaries.ts'
import { comparison, variantVerdict } from './verdict.ts'

const withVariants = (...variants: VariantSummary[]): RunSummary => ({
  ...mainJob,
  variantsAsked: variants.map(({ variant }) => variant),
  variants,
})
const unlimitedWith = (...variants: VariantSummary[]): RunSummary => ({
  ...withVariants(...variants),
  limits: { memoryLimit: null },
})

describe('summary: text', () => {
  it('the main job reads as a verdict', () => {
    expect(summaryText(mainJob, 90, PLAIN)).toMatchInlineSnapshot(`
      "seedservice · days=10 skew=true · threads machine · 2 cores · memory limit 768MiB · seed 42

                             glibc  glibc:arena_max=1
        peak RSS           768 MiB            536 MiB
        RSS at the end     768 MiB            533 MiB
        live at the end    256 MiB            260 MiB
        RSS ÷ live            3.00               2.05
        stranded           512 MiB            274 MiB
        VmSize, peak     1 100 MiB          1 100 MiB
        arenas                  14                  1
        remote frees        99.8 %             99.8 %
        lock wait           123 ms             9.87 s
        minor faults       196 608            196 608
        system calls         9 182              9 182
        malloc, 99 %       1.53 µs            1.53 µs
        ops/s               1.23 M              765 k
        time                 4.3 s             11.5 s

      RSS, and ÷ live, at each phase mark
                        glibc  glibc:arena_max=1
        day 0  267 MiB   1.03     267 MiB   1.03
        day 1  610 MiB   2.35     525 MiB   2.02
        day 2  701 MiB   2.70     528 MiB   2.03
        day 3      oom-killed     529 MiB   2.03

      Where the stranded bytes are
        glibc              400 MiB free under pinned tops, 14 arenas (most: arena 13, 33.0 MiB)
                           83.0 MiB free in bins
        glibc:arena_max=1  125 MiB free in bins
                           120 MiB free under pinned tops, main arena

      Verdict
        glibc              OOM-killed after "day 2": 768 MiB resident, 256 MiB live, 400 MiB
                           free under pinned tops
        glibc:arena_max=1  survives: peak 70 % of the limit

      → glibc:arena_max=1 survives the 768 MiB that kills glibc after "day 2".
      → glibc:arena_max=1 runs at 0.62 × the rate of ops of glibc; lock wait 9.87 s against
        0.12 s.

      Results: .arena-lab/runs/20260101T000000Z-seedservice-glibc-a1b2c3
      "
    `)
  })

  it('is the same with colours, apart from them', () => {
    const coloured = summaryText(mainJob, 100, COLOURED)
    expect(coloured).not.toBe(summaryText(mainJob, 100, PLAIN))
    const start = String.fromCharCode(27)
    const bare = coloured.replace(new RegExp(`${start}\\[[0-9;]*m`, 'g'), '')
    expect(bare.replace(/ +$/gm, '')).toBe(summaryText(mainJob, 100, PLAIN).replace(/ +$/gm, ''))
  })

  it('tables and lists stay within the width, whatever the number of variants', () => {
    const long = { ...survivor, variant: 'glibc:mmap_max=0,trim_threshold=-1' }
    const run = withVariants(killed, survivor, long, { ...long, variant: 'ptmalloc2' })
    for (const width of [60, 80, 100, 140]) {
      const lines = summaryText(run, width, PLAIN).split('\n').slice(1)
      // A path must stay whole, so that it can be copied.
      const wide = lines.filter(
        (line) => visibleLength(line) > width && !line.startsWith('Results: '),
      )
      expect(wide).toEqual([])
    }
  })

  it('thins out many phases, keeping the first and the last', () => {
    const phases = Array.from({ length: 300 }, (_, i) => ({
      ...survivor.phases[0]!,
      label: `day ${i}`,
    }))
    const text = summaryText(withVariants({ ...survivor, phases }), 100, PLAIN)
    expect(text).toContain('(276 phases left out)')
    expect(text).toContain('day 0 ')
    expect(text).toContain('day 299 ')
  })

  it('shows what could not be known as a dash, not as a zero', () => {
    const blind = {
      ...survivor,
      anatomyAt: null,
      arenaDetails: [],
      live: { max: 0, end: 0 },
      frees: 0,
      latencyNs: { ...survivor.latencyNs, malloc: { p50: 0, p99: 0, p999: 0, timed: 0 } },
    }
    const text = summaryText(withVariants(blind), 100, PLAIN)
    for (const label of ['RSS ÷ live', 'stranded', 'remote frees', 'malloc, 99 %']) {
      expect(text).toMatch(new RegExp(`${label} +–\n`))
    }
    expect(text).toContain('not known: no walk of the heap came to its end')
  })

  it('shows notices and broken invariants', () => {
    const broken = {
      ...killed,
      outcome: 'corrupted' as const,
      message: 'free(): invalid pointer',
      violations: [{ invariant: 'chunk.size ≥ 32', where: 'arena 2, chunk 0x40: size 0' }],
      notices: ['heap_max lowered to 16MiB'],
    }
    const text = summaryText(withVariants(broken), 100, PLAIN)
    expect(text).toContain('heap corrupted after "day 2": free(): invalid pointer')
    expect(text).toContain('also broken: chunk.size ≥ 32 (arena 2, chunk 0x40: size 0)')
    expect(text).toContain('note: heap_max lowered to 16MiB')
  })
})

describe('verdict', () => {
  it('names what survives, what does not, and what it costs', () => {
    expect(comparison(mainJob)).toEqual([
      'glibc:arena_max=1 survives the 768 MiB that kills glibc after "day 2".',
      'glibc:arena_max=1 runs at 0.62 × the rate of ops of glibc; lock wait 9.87 s against 0.12 s.',
    ])
  })

  it('says so when nothing survives, and what to try', () => {
    expect(comparison(withVariants(killed))).toEqual([
      'glibc does not survive 768 MiB.',
      'Try -a glibc:arena_max=1 beside it: does sharing one arena hold RSS down?',
    ])
  })

  it('calls a difference of less than 5 % none', () => {
    const close = { ...survivor, variant: 'b', rss: { max: 540 * MIB, end: 540 * MIB } }
    expect(comparison(unlimitedWith(survivor, close))).toEqual([
      'RSS at the end is about the same for all of them.',
    ])
  })

  it('compares speed where memory does not decide', () => {
    const small = { ...survivor, rss: { max: 2 * MIB, end: 2 * MIB }, opsPerSecond: 6e6 }
    const fast = { ...small, variant: 'tcmalloc', rss: { max: 6 * MIB, end: 6 * MIB } }
    expect(comparison(unlimitedWith(small, { ...fast, opsPerSecond: 15e6 }))).toEqual([
      'RSS at the end is about the same for all of them.',
      'tcmalloc carries out most ops: 15.0 M per second, 2.50 × as many as glibc:arena_max=1.',
    ])
    const calm = { ...fast, opsPerSecond: 15e6, minorFaults: 13 }
    expect(comparison(unlimitedWith(small, calm)).at(-1)).toBe(
      'glibc:arena_max=1 takes 196 608 minor faults, tcmalloc 13.',
    )
  })

  it('compares those that all live by where they end', () => {
    const big = { ...survivor, variant: 'glibc', rss: { max: 1100 * MIB, end: 1066 * MIB } }
    expect(comparison(unlimitedWith(big, survivor))[0]).toBe(
      'glibc:arena_max=1 ends lowest: 533 MiB, 50 % less than glibc (1 066 MiB).',
    )
  })

  it('compares nothing that was interrupted', () => {
    const cut = { ...survivor, outcome: 'interrupted' as const }
    expect(variantVerdict(mainJob, cut)).toBe('interrupted after "day 3": partial figures')
    expect(comparison(withVariants(killed, cut))).toEqual([
      'Ended early: the figures are partial, and nothing is compared.',
    ])
  })

  it('leaves out of the comparison what did not run properly', () => {
    const broken = { ...survivor, variant: 'mine', outcome: 'corrupted' as const }
    expect(comparison(withVariants(killed, survivor, broken))).toEqual([
      'glibc:arena_max=1 survives the 768 MiB that kills glibc after "day 2".',
      'glibc:arena_max=1 runs at 0.62 × the rate of ops of glibc; lock wait 9.87 s against 0.12 s.',
      'mine did not run properly and is not compared.',
    ])
  })

  it('tells failed allocations', () => {
    const failing = { ...survivor, failedAllocations: 12_345 }
    expect(variantVerdict(mainJob, failing)).toBe(
      'survives: peak 70 % of the limit; 12.3 k allocations failed',
    )
  })
})

describe('stranded', () => {
  it('names the arena that strands most, and only causes worth a line', () => {
    expect(strandedLines(killed)).toEqual([
      '400 MiB free under pinned tops, 14 arenas (most: arena 13, 33.0 MiB)',
      '83.0 MiB free in bins',
    ])
    const mostlyTop = {
      ...killed,
      anatomy: { ...killed.anatomy, freeInBins: 5 * MIB, pinnedFree: 0, freeTop: 490 * MIB },
    }
    expect(strandedLines(mostlyTop)).toEqual([
      '490 MiB free that a trim could return, 14 arenas (most: main arena, 1.00 MiB)',
    ])
  })
})

describe('style', () => {
  const terminal = { isTTY: true }
  it('colours a terminal only, and not against NO_COLOR or TERM=dumb', () => {
    expect(styleFor(terminal, {})).toBe(COLOURED)
    expect(styleFor(terminal, { NO_COLOR: '' })).toBe(COLOURED)
    expect(styleFor(terminal, { NO_COLOR: '1' })).toBe(PLAIN)
    expect(styleFor(terminal, { TERM: 'dumb' })).toBe(PLAIN)
    expect(styleFor({}, {})).toBe(PLAIN)
  })
  it('draws over lines only where it knows how many there are', () => {
    expect(canRedraw({ ...terminal, rows: 24 }, {})).toBe(true)
    expect(canRedraw({ ...terminal, rows: 0 }, {})).toBe(false)
    expect(canRedraw({ ...terminal, rows: 24 }, { TERM: 'dumb' })).toBe(false)
    expect(canRedraw({ rows: 24 }, {})).toBe(false)
    expect(columnsOf({ isTTY: true, columns: 0 })).toBe(100)
  })
})
