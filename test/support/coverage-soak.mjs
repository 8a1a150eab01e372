// coverage-soak.mjs FOLDER, run with NODE_V8_COVERAGE, for test/glibc-coverage.test.ts: carries
// traces out on the model alone, compiled in FOLDER, of the kinds that verify compares with the
// real glibc.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { gunzipSync } from 'node:zlib'

const compiled = pathToFileURL(`${process.argv[2]}/`)
const load = (path) => import(new URL(path, compiled).href)
const { MORE_VARIANTS, SOAK_VARIANTS, SOAK_THREADS, SOAK_PROFILES, soakTrace } = await load(
  'lab/session/verify/soak.js',
)
const { subjectOf } = await load('lab/session/verify/subject.js')
const { SerialMachine } = await load('lab/machine/serial/serial-machine.js')
const { parseTrace } = await load('lab/workload/trace/read.js')

const TRACES = 10
const OPS = 10_000
const SEED = 50_000

/** Carries a trace out on the model and forgets what it placed. */
async function carryOut({ design, tunables }, chunks) {
  const machine = new SerialMachine(design, tunables, {
    cores: 2,
    heapBytes: 2 ** 32,
    threadsMax: 64,
    placements: true,
    leaveUncertain: true,
  })
  for await (const chunk of chunks) {
    machine.carryOut(chunk)
    machine.left.length = 0
    machine.take()
  }
  machine.release()
}

const fixtures = new URL('../fixtures/traces/', import.meta.url)
const listed = JSON.parse(readFileSync(new URL('index.json', fixtures), 'utf8'))
for (const { name, variant } of listed) {
  const text = gunzipSync(readFileSync(new URL(`${name}.trace.gz`, fixtures)))
  await carryOut(await subjectOf(variant), parseTrace(name, [text]).chunks)
}

const variants = [...SOAK_VARIANTS, ...MORE_VARIANTS]
const edges = gunzipSync(readFileSync(new URL('edges.trace.gz', fixtures)))
for (const variant of ['glibc:mmap_max=0', 'glibc:tcache_count=0']) {
  await carryOut(await subjectOf(variant), parseTrace('edges', [edges]).chunks)
}

let seed = SEED
const options = { threads: SOAK_THREADS, profiles: SOAK_PROFILES, ops: OPS }
for (const variant of variants) {
  const subject = await subjectOf(variant)
  for (let number = 0; number < TRACES; number++) {
    await carryOut(subject, soakTrace(subject.settings, options, number, seed++).chunks())
  }
}
