/**
 * Goal: the replayer is built on demand, runs what it is told under the malloc it is told, and does
 * not disturb it. Facts of the real glibc are those of DESIGN 6.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { BadInput } from '../../words/bad-input.ts'
import { parseTrace } from '../../workload/trace/read.ts'
import { PLACED_SHIFT, Placed, placementLines, type ReplayRecords } from '../placements.ts'
import { nativeGlibcVersion, type nativeReplayer } from './build.ts'
import { nativeEnvironment } from './environment.ts'
import { nativeLibrary, preloadFile } from './library.ts'
import { packOps } from './pack.ts'
import { RecordDecoder } from './records.ts'
import { NativeFailure, type NativeOptions, replayNative } from './replay.ts'

const version = await nativeGlibcVersion().catch(() => 'none')

async function replay(lines: readonly string[], options: Partial<NativeOptions> = {}) {
  const text = new TextEncoder().encode(`# arena-lab-trace 1\n${lines.join('\n')}\n`)
  const { chunks } = parseTrace('a test', [text])
  const parts = chunks.map((chunk) => packOps(chunk, 0, chunk.length, []))
  const batches: ReplayRecords[] = []
  for await (const records of replayNative(parts, { allocator: 'glibc', ...options })) {
    batches.push(records)
  }
  return {
    lines: batches.flatMap((records) => [...placementLines(records)]),
    checks: batches.flatMap(({ checks }) => checks),
    mallocInfo: batches.map(({ mallocInfo }) => mallocInfo).join(''),
  }
}

afterEach(() => {
  vi.unstubAllEnvs()
  vi.resetModules()
})

describe.skipIf(version !== '2.36')('native replay under glibc 2.36', () => {
  it('places after the cache, in an arena after its state, in its own page', async () => {
    const { lines } = await replay(['0 m 0 24', '0 m 1 200000', '1 m 2 24', '1 m 3 24', '0 f 1'])
    // 656 bytes of tcache, a header of 16; in an arena its state and heap_info come before.
    expect(lines).toEqual(['M 672', 'P 16', 'H0.0 2928', 'H0.0 2960'])
  })

  it('a new thread’s DTV lies in the starter’s heap; the stack cache keeps four', async () => {
    const threads = Array.from({ length: 6 }, (_, i) => i + 1)
    const starts = threads.map((t) => `${t} m ${t} 24`)
    const ends = threads.map((t) => `${t} x`)
    const { lines } = await replay(['0 m 0 24', ...starts, ...ends, '0 m 10 272', '0 m 11 272'])
    const after = Number(lines.at(-2)!.split(' ')[1])
    // Thread 1's stack fell out first, then thread 2's: their DTVs are cached, the newest first.
    expect(lines[0]).toBe('M 672')
    expect(lines.slice(-2)).toEqual([`M ${after}`, `M ${after - 288}`])
  })

  it('checkpoints: nothing held, nothing resident but cache and top', async () => {
    const { lines, checks } = await replay(['0 m 0 100000', '0 w 0', 'k', '0 f 0', '0 t 0', 'k'])
    const rss = lines.filter((line) => line.startsWith('k')).map((line) => line.split('# rss ')[1])
    expect(Number(rss[0])).toBeGreaterThanOrEqual(100_000)
    expect(Number(rss[1])).toBeLessThanOrEqual(8192)
    expect(checks).toHaveLength(2)
  })

  it('tunables reach it by their real names; malloc_info is its own XML', async () => {
    const settings = { mmap_max: 1 }
    const trace = ['0 m 0 200000', '0 m 1 200000']
    const { lines, mallocInfo } = await replay(trace, { settings, mallocInfo: true })
    expect(lines).toEqual(['P 16', 'M 672'])
    expect(mallocInfo).toMatch(/^<malloc version="1">\n(.*\n)*<\/malloc>\n$/)
    expect(mallocInfo).toContain('<total type="mmap" count="1" size="200704"/>')
  })

  it('the same trace gives the same records, whatever the addresses', async () => {
    const lines = ['0 m 0 24', '1 m 1 70000', '2 a 2 4096 100', '1 x', '0 f 1', 'k']
    expect((await replay(lines)).lines).toEqual((await replay(lines)).lines)
  })

  it('a replayer that dies fails in its own words and hangs nobody', async () => {
    const bad = [new Uint8Array(Int32Array.of(77, 0).buffer), new Uint8Array(4 * 2 ** 20)]
    const run = async (): Promise<void> => {
      for await (const _ of replayNative(bad, { allocator: 'glibc' }));
    }
    await expect(run()).rejects.toThrow(NativeFailure)
    await expect(run()).rejects.toThrow(/unknown op/)
  })

  it('what the feeder throws comes out, and the replayer is not left behind', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(0)
      throw new BadInput('line 3 is bad')
    }
    const run = async (): Promise<void> => {
      for await (const _ of replayNative(broken(), { allocator: 'glibc' }));
    }
    await expect(run()).rejects.toThrow('line 3 is bad')
  })
})

describe('native: what must be there', () => {
  it('builds that run at once leave one binary', async () => {
    const cache = await mkdtemp(join(tmpdir(), 'arena-lab-test-'))
    vi.stubEnv('XDG_CACHE_HOME', cache)
    const builds = await Promise.all(
      [1, 2, 3].map(async () => {
        vi.resetModules()
        const fresh = (await import('./build.ts')) as { nativeReplayer: typeof nativeReplayer }
        return fresh.nativeReplayer()
      }),
    )
    expect(new Set(builds).size).toBe(1)
    expect(await readdir(join(cache, 'arena-lab'))).toEqual([builds[0]!.split('/').at(-1)])
    await rm(cache, { recursive: true })
  })

  it('no cc: one line that says what to install', async () => {
    vi.stubEnv('PATH', '/nowhere')
    vi.resetModules()
    const fresh = (await import('./build.ts')) as { nativeReplayer: typeof nativeReplayer }
    await expect(fresh.nativeReplayer()).rejects.toThrow(/no `cc` found \(Debian: apt install gcc/)
  })

  it('libraries: unknown names get the nearest, unreadable files are refused', async () => {
    await expect(nativeLibrary('jemaloc')).rejects.toThrow(/jemalloc/)
    expect(await nativeLibrary('glibc')).toBeUndefined()
    await expect(preloadFile('/nowhere/lib.so')).rejects.toThrow(/cannot be read/)
    await expect(preloadFile('/etc/passwd')).rejects.toThrow(/no shared library/)
  })

  it('the environment is scrubbed of what steers a malloc, but for what was asked', () => {
    vi.stubEnv('MALLOC_ARENA_MAX', '1')
    vi.stubEnv('GLIBC_TUNABLES', 'glibc.malloc.tcache_count=0')
    vi.stubEnv('LD_PRELOAD', '/x.so')
    vi.stubEnv('TCMALLOC_RELEASE_RATE', '9')
    vi.stubEnv('UNRELATED', 'stays')
    const plain = nativeEnvironment('glibc', undefined, {})
    expect(plain).toMatchObject({ UNRELATED: 'stays' })
    for (const name of ['MALLOC_ARENA_MAX', 'GLIBC_TUNABLES', 'LD_PRELOAD']) {
      expect(plain).not.toHaveProperty(name)
    }
    expect(plain).not.toHaveProperty('TCMALLOC_RELEASE_RATE')
    const set = nativeEnvironment('glibc', undefined, { arena_max: 2, top_pad: 0 })
    expect(set['GLIBC_TUNABLES']).toBe('glibc.malloc.arena_max=2:glibc.malloc.top_pad=0')
    expect(nativeEnvironment('jemalloc', '/j.so', { narenas: 4, dirty_decay_ms: 0 })).toMatchObject(
      {
        LD_PRELOAD: '/j.so',
        MALLOC_CONF: 'narenas:4,dirty_decay_ms:0',
      },
    )
    expect(nativeEnvironment('tcmalloc', '/t.so', { release_rate: 5 })).toMatchObject({
      TCMALLOC_RELEASE_RATE: '5',
    })
  })
})

it('records cut anywhere are the same records; a cut end is an error', () => {
  const stream = new Int32Array([
    Placed.BRK << PLACED_SHIFT,
    672,
    Placed.CHECK << PLACED_SHIFT,
    2,
    ...new Int32Array(Float64Array.of(1, 2).buffer),
    (Placed.ARENA << PLACED_SHIFT) | (3 << 12) | 1,
    4096,
  ])
  const bytes = new Uint8Array(stream.buffer)
  for (let cut = 0; cut <= bytes.length; cut++) {
    const decoder = new RecordDecoder()
    const parts = [decoder.push(bytes.slice(0, cut)), decoder.push(bytes.slice(cut))]
    decoder.end()
    expect(parts.flatMap((records) => [...placementLines(records)])).toEqual([
      'M 672',
      'k 1 2        # rss undefined',
      'H3.1 4096',
    ])
  }
  const decoder = new RecordDecoder()
  decoder.push(bytes.slice(0, 20))
  expect(() => decoder.end()).toThrow(/ends in a record/)
})
