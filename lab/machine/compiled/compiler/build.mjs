// Compiles what lab threads spend their time in, the op loop and a design's malloc and free, to
// WebAssembly: one module per built-in design, and beside it the glue that binds it to live
// objects.
// Run by build.mjs on the finished dist/.
import { mkdirSync, writeFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Compiler } from './compiler.mjs'
import { CELLS, carryOut } from './example-ops.mjs'
import { glueOf } from './glue.mjs'
import { Profiler } from './profile.mjs'
import { Program } from './program.mjs'
import { SharedMemory } from './shared-memory.mjs'
import { Unsupported } from './unsupported.mjs'

const dist = resolve(process.argv[2])
const out = `${dist}/lab/machine/compiled/modules`
const verbose = process.argv.includes('--verbose')
const load = (file) => import(pathToFileURL(`${dist}/${file}`).href)

/** What JavaScript calls: the op loop, and the malloc family for what happens between batches. */
const ENTRIES = {
  loop: { run: ['view', 'i64', 'i64'] },
  heap: { malloc: 1, free: 1, calloc: 2, exit: 0 },
}

/** Tunables with which a design takes other ways than it does by default. */
const OTHER_SETTINGS = { glibc: [{ tcache_count: 0 }] }

const profiler = new Profiler()
const program = new Program(dist)
await program.know(
  program
    .files()
    .filter((file) => /\/(allocators|lab\/(words|sync|memory))\//.test(file) && !/test/.test(file)),
)
await program.know([
  `${dist}/lab/machine/process.js`,
  `${dist}/lab/machine/op-loop.js`,
  `${dist}/lab/machine/heap-ops.js`,
])

const { designs } = await load('allocators/registry.js')
const { exampleOf } = await load('lab/machine/compiled/example.js')
const words = {
  ...(await load('lab/words/control.js')),
  ...(await load('lab/workload/ops.js')),
}

/** What is rare in a design, by its default settings and by others. */
function profileOf(design) {
  profiler.take()
  for (const settings of [{}, ...(OTHER_SETTINGS[design.name] ?? [])]) {
    carryOut(exampleOf(design, CELLS, settings), words)
  }
  return profiler.take()
}

mkdirSync(out, { recursive: true })
const profiles = new Map(Object.values(designs).map((design) => [design, profileOf(design)]))
profiler.end()
for (const [design, profile] of profiles) {
  const { loop, heap, memory, twin } = exampleOf(design)
  const compiler = new Compiler(program, new SharedMemory(memory), twin, profile)
  compiler.root(loop, 'loop')
  compiler.export(loop, 'run', ENTRIES.loop.run)
  const heapObject = { constant: 'object', name: 'loop', object: loop }
  compiler.objectAt(heap, heapObject, '$heap')
  for (const [name, count] of Object.entries(ENTRIES.heap)) {
    try {
      compiler.export(heap, name, Array(count).fill('i64'))
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error
      compiler.fallbacks.add(`heap.${name}: ${error.message}`)
    }
  }
  const made = compiler.finish()
  writeFileSync(`${out}/${design.name}.wasm`, made.bytes)
  writeFileSync(
    `${out}/${design.name}.js`,
    glueOf(compiler, made, (file) => relative(out, file)),
  )
  writeFileSync(`${out}/${design.name}.txt`, report(compiler, made))
  if (verbose)
    process.stdout.write(`${design.name}: ${made.bytes.length} bytes\n${report(compiler, made)}\n`)
}

/** What was compiled, and what stays JavaScript. */
function report(compiler, { functions }) {
  const compiled = functions.map(({ key }) => key.replaceAll(`${dist}/`, ''))
  return [
    'compiled:',
    ...compiled.filter((it) => !/^[gs]et /.test(it)).map((it) => `  ${it}`),
    'called in JavaScript:',
    ...[...compiler.fallbacks].map((it) => `  ${it}`),
    '',
  ].join('\n')
}
