/**
 * What threads' caches cost.
 *
 * Worker threads handle bursts: each allocates a few thousand small blocks, uses them, frees them
 * all, and waits for the next burst. When the bursts are over nothing is live, yet memory stays:
 * in every thread's own cache (no other thread can use it), in the central lists, and as free
 * pages. With tcmalloc this was the report's second chapter: the caches were cut with
 * kMaxThreadCacheSize (to 2 MiB), kDefaultOverallThreadCacheSize (to 20 MiB) and kMaxOverages
 * (to 1), and ReleaseFreeMemory was called now and then.
 *
 *   -a tcmalloc
 *   -a tcmalloc:kMaxThreadCacheSize=2MiB,kDefaultOverallThreadCacheSize=20MiB,kMaxOverages=1
 *   -a tcmalloc:TCMALLOC_MAX_TOTAL_THREAD_CACHE_BYTES=512KiB -P releases=20
 *
 * The first two bound what all caches hold together ("idle"). kMaxOverages says how soon one list
 * gets shorter that overflows, and shows only where that list, and not the whole cache, is at its
 * limit. So while the caches are empty, at the height of the last burst, every worker makes and
 * frees small entries of a size nothing else has, and then drops its share of an index that main
 * has built of the same: more than it ever allocated ("dropped").
 */
import { defineScenario } from '../lab/workload/scenario.ts'
import { sizeMix } from '../lab/workload/size-mix.ts'

const BLOCK_SIZES = sizeMix([
  { weight: 60, low: 32, high: 127 },
  { weight: 30, low: 128, high: 1023 },
  { weight: 9, low: 1024, high: 8191 },
  { weight: 1, low: 8192, high: 65_535 },
])

/** Of an entry of the index: smaller than any block of a burst, so that its class is its own. */
const ENTRY_BYTES = 16

const NS_PER_MS = 1_000_000

/** Entries of the index that each worker drops: three for eight it has made itself. */
const droppedBy = (entries: number): number => Math.floor((3 * entries) / 8)

/** All workers hold their burst. */
const HELD = 0
/** Main has looked: they may free it. */
const LOOKED = 1
/** All workers have freed their burst, or dropped their share of the index. */
const FREED = 2

export default defineScenario({
  name: 'thread-cache-hoard',
  summary:
    'Threads allocate bursts of small blocks, free them all and idle: nothing is live, but every ' +
    'thread keeps a cache. Look at thread-cache bytes at "dropped" and "idle", and at the RSS ' +
    'left after "released" (free pages given back) and "ended" (caches given back).',
  params: {
    workers: {
      default: 32,
      unit: 'count',
      min: 1,
      max: 256,
      meaning: 'Threads that handle bursts.',
    },
    bursts: {
      default: 20,
      unit: 'count',
      min: 1,
      max: 100_000,
      meaning: 'Bursts each thread handles: its cache grows by 64 KiB at a time.',
    },
    blocks: {
      default: 2000,
      unit: 'count',
      min: 1,
      max: 1_000_000,
      meaning: 'Blocks a thread holds at the height of a burst.',
    },
    entries: {
      default: 8000,
      unit: 'count',
      min: 0,
      max: 1_000_000,
      meaning: 'Index entries of 16 bytes a worker makes and frees; it drops 3 for 8 of others.',
    },
    releases: {
      default: 0,
      unit: 'count',
      min: 0,
      max: 100_000,
      meaning: 'Times a timer gives free memory back meanwhile (ReleaseFreeMemory, malloc_trim).',
    },
    releaseMs: {
      default: 50,
      unit: 'count',
      min: 0,
      max: 3_600_000,
      meaning: 'Milliseconds between two such times.',
    },
  },
  threads: (p) => p.workers + (p.releases > 0 ? 2 : 1),
  privateCells: (p) => p.blocks + p.entries,
  tables: (p) => ({ index: p.workers * droppedBy(p.entries) }),
  barriers: () => 3,

  *main(t, p) {
    for (let entry = 0; entry < p.workers * droppedBy(p.entries); entry++) {
      t.malloc(ENTRY_BYTES, t.table('index', entry))
      yield
    }
    for (let index = 0; index < p.workers; index++) t.start('worker', { index })
    if (p.releases > 0) t.start('releaser')
    for (let burst = 1; burst <= p.bursts; burst++) {
      t.barrier(HELD, p.workers + 1)
      if (burst === p.bursts) {
        t.phase('held')
        t.barrier(LOOKED, p.workers + 1)
        t.barrier(FREED, p.workers + 1)
        t.phase('dropped')
      }
      t.barrier(LOOKED, p.workers + 1)
      t.barrier(FREED, p.workers + 1)
      yield
    }
    t.phase('idle')
    t.trim(0)
    t.phase('released')
    // The workers have waited for this: now they end.
    t.barrier(HELD, p.workers + 1)
    t.joinAll()
    t.phase('ended')
    t.trim(0)
    t.phase('released again')
    yield
  },

  *worker(t, p, { index }: { index: number }) {
    const first = t.cells(p.blocks)
    const entries = t.cells(p.entries)
    for (let burst = 0; burst < p.bursts; burst++) {
      for (let i = 0; i < p.blocks; i++) {
        const block = t.malloc(t.random.pick(BLOCK_SIZES), t.at(first, i))
        t.write(block)
        yield
      }
      t.barrier(HELD, p.workers + 1)
      if (burst === p.bursts - 1) {
        t.barrier(LOOKED, p.workers + 1)
        for (let i = 0; i < p.entries; i++) t.malloc(ENTRY_BYTES, t.at(entries, i))
        yield
        for (let i = 0; i < p.entries; i++) t.free(t.at(entries, i))
        yield
        const share = droppedBy(p.entries)
        for (let i = 0; i < share; i++) t.free(t.table('index', index * share + i))
        t.barrier(FREED, p.workers + 1)
        yield
      }
      t.barrier(LOOKED, p.workers + 1)
      for (let i = 0; i < p.blocks; i++) {
        t.free(t.at(first, i))
        yield
      }
      t.barrier(FREED, p.workers + 1)
      yield
    }
    t.barrier(HELD, p.workers + 1)
    yield
  },

  /** The timer: gives free memory back while the workers work. */
  *releaser(t, p) {
    for (let i = 0; i < p.releases; i++) {
      t.sleep(p.releaseMs * NS_PER_MS)
      t.trim(0)
      yield
    }
  },
})
