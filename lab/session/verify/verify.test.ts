/**
 * Goal: `verify` finds what differs, says where and why, and reduces it. Method: the model is told
 * other tunables than the real glibc, so that the difference is known.
 */
import { execFileSync } from 'node:child_process'
import { describe, expect, it, vi } from 'vitest'
import { nativeGlibcVersion } from '../../machine/native/build.ts'
import { parseAssignment } from '../../words/assignments.ts'
import { MIB } from '../../words/units.ts'
import { parseTrace } from '../../workload/trace/read.ts'
import { recordOptionsOf } from '../scenario-trace.ts'
import type { CheckpointRss } from './compare.ts'
import { compareKernelEffects } from './kernel-effects.ts'
import { GLIBC_VERSION, requireVerifiable, type Subject, subjectOf } from './subject.ts'
import { memorySource, randomSource, scenarioSource, type TraceSource } from './trace-source.ts'
import { hostOptions, shrinkDifference, verifyTrace } from './verify.ts'

const version = await nativeGlibcVersion().catch(() => 'none')
const sameGlibc = version === GLIBC_VERSION
const hasStrace = ((): boolean => {
  try {
    execFileSync('strace', ['-V'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

const traceOf = (...lines: string[]): TraceSource => {
  const text = `# arena-lab-trace 1\n${lines.join('\n')}\n`
  return memorySource('a test', parseTrace('a test', [new TextEncoder().encode(text)]))
}

/** The model is told one thing, the real one another. */
const mismatch = async (model: string, real: string): Promise<Subject> => ({
  ...(await subjectOf(model)),
  settings: (await subjectOf(real)).settings,
})

describe.skipIf(!sameGlibc)(`verify, with this machine’s glibc ${version}`, () => {
  it('equal: all ops, placements and checkpoints of a random trace are counted', async () => {
    const source = randomSource({ seed: 1, threads: 4, ops: 20_000, profile: 'mixed' })
    const { comparison, explanation } = await verifyTrace(source, await subjectOf('glibc'))
    expect(comparison).toMatchObject({ ops: 20_000, difference: undefined, left: [] })
    expect(comparison.placements).toBeGreaterThan(8000)
    // The trace's own, and one after its last op.
    expect(comparison.checkpoints).toBe(41)
    expect(explanation).toBeUndefined()
  })

  it('different: the first op that differs, both placements, its arena', async () => {
    const frees = Array.from({ length: 8 }, (_, i) => `0 f ${i}`)
    const mallocs = Array.from({ length: 8 }, (_, i) => `0 m ${i} 200`)
    const again = Array.from({ length: 8 }, (_, i) => `0 m ${i + 8} 200`)
    const subject = await mismatch('glibc:tcache_count=6', 'glibc')
    const source = traceOf(...mallocs, '0 m 99 24', ...frees, ...again)
    const { comparison, explanation } = await verifyTrace(source, subject)
    const { difference } = comparison
    // Freed last of those the real cache had room for; the model takes the one before.
    expect(difference).toMatchObject({ what: 'placement', at: { op: 17, line: 19 } })
    expect(difference?.model).toMatch(/^M \d+$/)
    expect(difference?.native).not.toBe(difference?.model)
    expect(explanation?.arena).toBe('M')
    expect(explanation?.arenaLines.join('\n')).toMatch(/top: .*\n(.*\n)*.*unsorted: /)
    expect(explanation?.arenaLines.at(-1)).toBe('tcache: 208×6')
    expect(explanation?.lastOps.at(-1)).toMatch(/^line 18: 0 f 7 → M \d+$/)
    expect(explanation?.earlierState).toMatch(/^M: model .*, real .*/)
  })

  it('different at a checkpoint alone: the figures that differ are named', async () => {
    const subject = await mismatch('glibc:top_pad=4096', 'glibc:top_pad=8192')
    const { comparison } = await verifyTrace(traceOf('0 m 0 24', 'k'), subject)
    expect(comparison.difference).toMatchObject({ what: 'checkpoint', at: { op: 1, text: 'k' } })
    expect(comparison.difference?.model).toMatch(/arena \d+, .*keepcost/)
  })

  it('seedservice with skew: both hold the same bytes resident after each day', async () => {
    const params = ['days=4', 'records=400'].map((text) => parseAssignment(text, 'parameter'))
    const request = { scenario: 'seedservice', params, seed: 3, opsMax: 2 ** 31 - 1 }
    const source = scenarioSource(await recordOptionsOf(request))
    const days: CheckpointRss[] = []
    const onCheckpoint = (rss: CheckpointRss): number => days.push(rss)
    const glibc = await subjectOf('glibc')
    const { comparison } = await verifyTrace(source, glibc, hostOptions(), onCheckpoint)
    expect(comparison.difference).toBeUndefined()
    const named = days.filter(({ label }) => label !== '')
    expect(named.map(({ label }) => label)).toEqual(['day 0', 'day 1', 'day 2', 'day 3'])
    for (const { model, native } of named) {
      expect(model).toBe(native)
      expect(native).toBeGreaterThan(4 * MIB)
    }
  })

  it('a difference in resident bytes shows in the figures of its checkpoint', async () => {
    const subject = await mismatch('glibc:trim_threshold=4096,top_pad=0', 'glibc:top_pad=0')
    const source = traceOf(
      '0 m 0 100000',
      '0 w 0',
      '# phase full',
      'k',
      '0 f 0',
      '# phase freed',
      'k',
    )
    const seen: CheckpointRss[] = []
    await verifyTrace(source, subject, hostOptions(), (rss) => seen.push(rss))
    expect(seen.map(({ label, model, native }) => [label, native - model])).toEqual([
      ['full', 0],
      ['freed', 98_304],
    ])
  })

  it('shrinks to a handful of ops that still differ', async () => {
    const subject = await mismatch('glibc:tcache_count=6', 'glibc')
    const source = randomSource({ seed: 5, threads: 4, ops: 5000, profile: 'mixed' })
    const { comparison } = await verifyTrace(source, subject)
    const shrunk = await shrinkDifference(
      source,
      subject,
      hostOptions(),
      comparison.difference!,
      () => {},
    )
    expect(shrunk.trace.totals.ops).toBeLessThanOrEqual(20)
    const again = await verifyTrace(memorySource('shrunk', shrunk.trace), subject)
    expect(again.comparison.difference).toEqual(shrunk.difference)
  })

  it('memaligns that depend on chance are left out and named', async () => {
    const source = traceOf('0 m 0 24', '0 a 1 65536 300000', '0 w 1', '0 f 1', '0 m 2 24', '0 f 2')
    const { comparison } = await verifyTrace(source, await subjectOf('glibc'))
    expect(comparison.left).toEqual([{ op: 1, line: 3, text: '0 a 1 65536 300000' }])
    expect(comparison).toMatchObject({ placements: 2, difference: undefined })
  })

  it('wide alignments are left out where the main arena may have to serve them', async () => {
    const wide = (block: number): string => `1 a ${block} 16777216 52`
    // The fourth does not fit in the heap, and a next heap is trimmed away before its first use.
    const wides = [wide(3), wide(4), wide(5), wide(6)]
    const source = traceOf('0 m 0 24', wide(1), '1 m 2 24', ...wides, '1 m 7 24')
    const subject = await subjectOf('glibc:mmap_threshold=33554432')
    const { comparison } = await verifyTrace(source, subject)
    expect(comparison.difference).toBeUndefined()
    expect(comparison.left.map(({ text }) => text)).toEqual([wide(1), wide(6)])
    // With one arena, other threads are in the brk heap too.
    const oneArena = await subjectOf('glibc:mmap_threshold=33554432,arena_max=1')
    const { left, difference } = (await verifyTrace(source, oneArena)).comparison
    expect([left.length, difference]).toEqual([5, undefined])
  })

  it('a refused request is NULL in both; threads come and go', async () => {
    const source = traceOf(
      '0 m 0 281474976710656',
      '0 r 0 100',
      '900000 m 2000000000 1000',
      '900000 x',
      '3 f 2000000000',
      '3 x',
      '3 m 5 18446744073709551615',
      '0 f 5',
      '0 t 0',
      'k',
    )
    const { comparison } = await verifyTrace(source, await subjectOf('glibc'))
    expect(comparison).toMatchObject({ ops: 10, difference: undefined })
  })

  it.skipIf(!hasStrace)('system calls are those that strace sees, in order', async () => {
    const cases = [
      { variant: 'glibc', seed: 60, threads: 1, profile: 'mixed' },
      { variant: 'glibc', seed: 61, threads: 16, profile: 'remote' },
      { variant: 'glibc', seed: 62, threads: 4, profile: 'large' },
      { variant: 'glibc:mmap_threshold=4096', seed: 63, threads: 4, profile: 'mixed' },
      { variant: 'glibc:trim_threshold=0,top_pad=0', seed: 64, threads: 2, profile: 'churn' },
      { variant: 'glibc:top_pad=1048576', seed: 65, threads: 40, profile: 'churn' },
      { variant: 'glibc:mmap_max=0', seed: 66, threads: 2, profile: 'large' },
      { variant: 'glibc:arena_max=1', seed: 67, threads: 4, profile: 'small' },
      { variant: 'glibc:tcache_count=0', seed: 68, threads: 4, profile: 'remote' },
      { variant: 'glibc:trim_threshold=131072', seed: 69, threads: 2, profile: 'mixed' },
    ] as const
    for (const { variant, ...trace } of cases) {
      const source = randomSource({ ...trace, ops: 10_000, mmapThreshold: 4096 })
      const result = await compareKernelEffects(source, await subjectOf(variant), hostOptions())
      expect(result, variant).toMatchObject({ difference: undefined })
      expect(result.calls, variant).toBeGreaterThan(5)
    }
  })

  it('no strace: says so, and what to install', async () => {
    vi.stubEnv('PATH', '/nowhere')
    const compared = compareKernelEffects(
      traceOf('0 m 0 24'),
      await subjectOf('glibc'),
      hostOptions(),
    )
    await expect(compared).rejects.toThrow('needs strace (Debian: apt install strace)')
    vi.unstubAllEnvs()
  })

  it.skipIf(!hasStrace)('a system call that differs is found', async () => {
    const subject = await mismatch('glibc:top_pad=4096', 'glibc:top_pad=8192')
    const source = traceOf('0 m 0 24')
    const { difference } = await compareKernelEffects(source, subject, hostOptions())
    expect(difference).toMatchObject({ at: 0, model: 'brk +8192', native: 'brk +12288' })
  })
})

it('only what has a real counterpart can be verified', async () => {
  const refusal = async (variant: string): Promise<string> => {
    try {
      requireVerifiable(await subjectOf(variant))
      return 'accepted'
    } catch (error) {
      return (error as Error).message
    }
  }
  expect(await refusal('glibc:arena_max=2')).toBe('accepted')
  expect(await refusal('tcmalloc')).toBe('accepted')
  expect(await refusal('ptmalloc2')).toMatch(/expected glibc or tcmalloc/)
  expect(await refusal('glibc:heap_max=1MiB')).toMatch(/has no heap_max/)
  expect(await refusal('tcmalloc:skip_sbrk=1')).toMatch(/with skip_sbrk .* the kernel’s choice$/)
  expect(await refusal('tcmalloc:kMaxThreadCacheSize=2MiB')).toMatch(/is compiled into/)
  const overall = await refusal('tcmalloc:kDefaultOverallThreadCacheSize=20MiB')
  expect(overall).toMatch(/\(max_total_thread_cache_bytes can be compared\)$/)
  expect(await refusal('tcmalloc:kMaxOverages=1')).toMatch(/kMaxOverages is compiled into/)
  const environment = 'transfer_num_obj=4,skip_mmap=1,disable_memory_release=1,release_rate=0.5'
  expect(await refusal(`tcmalloc:${environment}`)).toBe('accepted')
})
