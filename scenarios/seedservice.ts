/**
 * The out-of-memory kill this project grew from.
 *
 * A server takes a day's feed records (reposts, comments, likes) from a queue and keeps them in
 * memory, two days at a time like a double buffer: while today is being filled, yesterday is
 * served. At midnight a janitor frees the day before. Nothing leaks, yet RSS climbs day by day.
 *
 * Two things together do it. The thread that frees is not the one that allocated, so memory goes
 * back to the arena of a thread that may never need it again; and the hot shards move from day to
 * day, so that in the end every arena has kept the peak of its worst day.
 */
import { defineScenario } from '../lab/workload/scenario.ts'
import { sizeMix } from '../lab/workload/size-mix.ts'

/** Sizes of feed records, as the service's own statistics had them. */
const RECORD_SIZES = sizeMix([
  { weight: 60, low: 32, high: 127 },
  { weight: 30, low: 128, high: 1023 },
  { weight: 9, low: 1024, high: 8191 },
  { weight: 1, low: 8192, high: 65535 },
])

interface Load {
  readonly ingesters: number
  readonly records: number
  readonly skew: boolean
  readonly keepPermille: number
}

/** Records ingester `i` takes in on `day`: with skew, the hot shards move on by three a day. */
function recordsOf(load: Load, day: number, i: number): number {
  if (!load.skew) return load.records
  const heat = (3 * day + i) % load.ingesters
  if (heat === 0) return 4 * load.records
  if (heat < 4) return 2 * load.records
  return Math.floor(load.records / 4)
}

/** Where the records of ingester `i` start among those of its day; `i` = ingesters: all of them. */
function recordsBefore(load: Load, day: number, i: number): number {
  let sum = 0
  for (let earlier = 0; earlier < i; earlier++) sum += recordsOf(load, day, earlier)
  return sum
}

/** Every day is as long as the others: the same heats, only on other ingesters. */
const recordsOfDay = (load: Load): number => recordsBefore(load, 0, load.ingesters)

/** How many of the first `count` records of one ingester are kept for ever: evenly spread. */
const keptOf = (load: Load, count: number): number =>
  load.skew ? Math.floor((count * load.keepPermille) / 1000) : 0

const isKept = (load: Load, record: number): boolean =>
  keptOf(load, record + 1) > keptOf(load, record)

function keptBefore(load: Load, day: number, i: number): number {
  let sum = 0
  for (let earlier = 0; earlier < i; earlier++) sum += keptOf(load, recordsOf(load, day, earlier))
  return sum
}

export default defineScenario({
  name: 'seedservice',
  summary:
    'Ingest threads allocate a day of records, a janitor frees the day before: RSS climbs until ' +
    'the OOM kill although nothing leaks. Look at RSS ÷ live after each midnight, at what each ' +
    'arena strands, and at the remote frees.',
  params: {
    days: { default: 10, unit: 'count', min: 1, max: 1000, meaning: 'Days to simulate.' },
    ingesters: {
      default: 16,
      unit: 'count',
      min: 4,
      max: 256,
      meaning: 'Ingest threads, created anew each day.',
    },
    records: {
      default: 20_000,
      unit: 'count',
      min: 4,
      max: 1_000_000,
      meaning: 'Records an ingest thread takes in a day, before skew.',
    },
    skew: {
      default: true,
      unit: 'flag',
      meaning: 'Hot shards (4 ×, 2 ×, the others a quarter) move from thread to thread each day.',
    },
    keepPermille: {
      default: 1,
      unit: 'permille',
      min: 0,
      max: 1000,
      meaning: 'With skew: records in a thousand that are kept for ever.',
    },
  },
  showsOom: true,
  threads: (p) => p.ingesters + 1,
  privateCells: () => 1,
  tables: (p) => ({
    days: 2 * recordsOfDay(p),
    kept: p.days * keptBefore(p, 0, p.ingesters),
  }),

  *main(t, p) {
    for (let day = 0; day < p.days; day++) {
      for (let i = 0; i < p.ingesters; i++) t.start('ingest', { day, i })
      t.joinAll()
      yield
      if (day > 0) {
        t.start('janitor', { day: day - 1 })
        t.joinAll()
      }
      t.phase(`day ${day}`)
      yield
    }
  },

  /** Takes its share of the day's records from the queue. */
  *ingest(t, p, { day, i }: { day: number; i: number }) {
    const half = (day % 2) * recordsOfDay(p)
    const first = half + recordsBefore(p, day, i)
    const records = recordsOf(p, day, i)
    let kept = day * keptBefore(p, 0, p.ingesters) + keptBefore(p, day, i)
    for (let r = 0; r < records; r++) {
      const record = t.malloc(t.random.pick(RECORD_SIZES))
      t.write(record)
      t.move(record, isKept(p, r) ? t.table('kept', kept++) : t.table('days', first + r))
      yield
    }
  },

  /** Midnight: frees the day before. Cells of records that are kept for ever are empty. */
  *janitor(t, p, { day }: { day: number }) {
    const records = recordsOfDay(p)
    const first = (day % 2) * records
    for (let r = 0; r < records; r++) {
      t.free(t.table('days', first + r))
      yield
    }
  },
})
