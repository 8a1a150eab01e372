// Run with NODE_V8_COVERAGE: carries the soak's traces out on the model alone, built in dist/, for
// test/glibc-coverage.test.ts.
import { readdirSync, readFileSync } from 'node:fs'

const dist = new URL('../../dist/', import.meta.url)
const load = (path) => import(new URL(path, dist).href)
const { SOAK_VARIANTS, SOAK_THREADS, SOAK_PROFILES } = await load('lab/session/verify/soak.js')
const { randomSource } = await load('lab/session/verify/trace-source.js')
const { subjectOf } = await load('lab/session/verify/subject.js')
const { SerialMachine } = await load('lab/machine/serial/serial-machine.js')

const { parseTrace } = await load('lab/workload/trace/read.js')

/** Beyond the soak's own: tunables that lead where no other does. */
const MORE_VARIANTS = [
  'glibc:perturb=85',
  'glibc:tcache_unsorted_limit=3',
  'glibc:trim_threshold=-1',
  'glibc:mmap_max=3',
  'glibc:arena_test=1',
  'glibc:top_pad=100000000',
]
const TRACES = 10
const OPS = 25_000
const MMAP_THRESHOLD = 131_072

/** What the generator does not ask for: an alignment that no address has. */
const EDGES = ['0 a 0 9223372036854775808 10', '1 a 1 9223372036854775808 10', '1 t 0']
const fixtures = new URL('../../allocators/ptmalloc/test/fixtures/', import.meta.url)

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

const plain = await subjectOf('glibc')
const edges = new TextEncoder().encode(`# arena-lab-trace 1\n${EDGES.join('\n')}\n`)
await carryOut(plain, parseTrace('edges', [edges]).chunks)
for (const file of readdirSync(fixtures).filter((name) => name.endsWith('.trace'))) {
  // These ask memalign for 24 too, which it takes for 32; traces have powers of two alone.
  const text = readFileSync(new URL(file, fixtures), 'utf8').replace(
    /^(\d+ a \d+) (\d+)/gm,
    (_, head, alignment) => `${head} ${2 ** Math.ceil(Math.log2(Math.max(1, alignment)))}`,
  )
  const [, assigned = ''] = /^# tunables (.*)$/m.exec(text) ?? []
  const subject = await subjectOf(assigned === '' ? 'glibc' : `glibc:${assigned}`)
  await carryOut(subject, parseTrace(file, [new TextEncoder().encode(text)]).chunks)
}

let seed = 50_000
for (const variant of [...SOAK_VARIANTS, ...MORE_VARIANTS]) {
  const subject = await subjectOf(variant)
  const threshold = subject.settings['mmap_threshold'] ?? MMAP_THRESHOLD
  for (let number = 0; number < TRACES; number++) {
    const source = randomSource({
      seed: seed++,
      threads: SOAK_THREADS[number % SOAK_THREADS.length],
      profile: SOAK_PROFILES[(number + seed) % SOAK_PROFILES.length],
      ops: OPS,
      mmapThreshold: Math.min(threshold, MMAP_THRESHOLD),
    })
    await carryOut(subject, source.chunks())
  }
}
