/**
 * Small classes, twice: as JavaScript, and with the methods a test names compiled to WebAssembly.
 * Each has a memory of its own, so that what they leave there can be compared.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'vitest'
import { filled } from '../../lab/machine/compiled/compiled-code.ts'
import type { Glue } from '../../lab/machine/compiled/glue.ts'
import {
  type WasmExports,
  type WasmMemory,
  WebAssembly,
} from '../../lab/machine/compiled/webassembly.ts'

interface Made {
  readonly bytes: Uint8Array
}

interface Compiler {
  readonly fallbacks: Set<string>
  root(object: object, name: string): void
  export(object: object, method: string, parameters: readonly string[]): void
  finish(): Made
}

const load = async <T>(url: URL | string): Promise<T> => (await import(String(url))) as T
const part = <T>(name: string): Promise<T> =>
  load(new URL(`../../lab/machine/compiled/compiler/${name}.mjs`, import.meta.url))
const { Compiler } = await part<{
  Compiler: new (program: unknown, memory: unknown, twin: object) => Compiler
}>('compiler')
const { Program } = await part<{
  Program: new (folder: string) => { know(files: string[]): Promise<void> }
}>('program')
const { SharedMemory } = await part<{ SharedMemory: new (memory: WasmMemory) => unknown }>(
  'shared-memory',
)
const { glueOf } = await part<{
  glueOf(compiler: Compiler, made: Made, specifier: (file: string) => string): string
}>('glue')

/** Bytes of the memories; the second half is for copies of tables. */
const MEMORY_BYTES = 128 * 1024
const PAGE_BYTES = 64 * 1024

type Root = Record<string, unknown>
type Method = (...args: number[]) => unknown

export interface Pair {
  readonly script: Root
  readonly compiled: Root
  /** Binds the module to another object, as a lab thread would. Throws if it is of another kind. */
  find(root: Root): void
  /** Functions called in JavaScript, and why. */
  readonly fallbacks: readonly string[]
  /** Calls a method of both; expects the same result, or throw, and the same bytes left. */
  same(method: string, ...args: number[]): void
  /** The compiled method alone. */
  call(method: string, ...args: number[]): number | undefined
}

/**
 * Compiles methods of what `make(memory)` of a module gives; each has as many parameters as its
 * declaration. `damage` may change the module's bytes.
 */
export async function pairOf(
  source: string,
  methods: readonly string[],
  damage: (bytes: Uint8Array) => void = () => {},
): Promise<Pair> {
  const folder = mkdtempSync(join(tmpdir(), 'arena-lab-compiler-'))
  try {
    return await compiledFrom(folder, source, methods, damage)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function compiledFrom(
  folder: string,
  source: string,
  methods: readonly string[],
  damage: (bytes: Uint8Array) => void,
): Promise<Pair> {
  const file = join(folder, 'module.js')
  writeFileSync(file, source)
  const program = new Program(folder)
  await program.know([file])
  const { make } = await load<{ make(memory: WasmMemory): Root }>(pathToFileURL(file))
  const pages = MEMORY_BYTES / PAGE_BYTES
  const newMemory = (): WasmMemory =>
    new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })

  const example = newMemory()
  const compiler = new Compiler(program, new SharedMemory(example), make(example))
  const root = make(example)
  compiler.root(root, 'loop')
  for (const name of methods) {
    compiler.export(root, name, Array((root[name] as Method).length).fill('i64'))
  }
  const made = compiler.finish()
  const glueFile = join(folder, 'glue.js')
  writeFileSync(
    glueFile,
    glueOf(compiler, made, (at) => pathToFileURL(at).href),
  )
  const glue = await load<Glue>(pathToFileURL(glueFile))

  const memory = newMemory()
  const compiled = make(memory)
  const linkage = glue.link()
  linkage.find(compiled as never, memory, MEMORY_BYTES / 2)
  const bytes = filled(made.bytes, glue, linkage.constants())
  damage(bytes)
  const module = await WebAssembly.compile(bytes)
  const imports = { lab: { memory }, js: linkage.js }
  const { exports } = new WebAssembly.Instance(module, imports)
  linkage.bind(exports)
  const scriptMemory = newMemory()
  const script = make(scriptMemory)
  return {
    script,
    compiled,
    find: (other) => glue.link().find(other as never, memory, MEMORY_BYTES / 2),
    fallbacks: [...compiler.fallbacks],
    same: (method, ...args) => {
      const wanted = outcomeOf(() => (script[method] as Method)(...args))
      const found = outcomeOf(() => (exports as WasmExports)[method]!(...args))
      expect(found, `${method}(${args.join(', ')})`).toEqual(wanted)
      expect(firstHalf(memory).equals(firstHalf(scriptMemory)), `memory after ${method}`).toBe(true)
    },
    call: (method, ...args) => exports[method]!(...args),
  }
}

const firstHalf = ({ buffer }: WasmMemory): Buffer => Buffer.from(buffer, 0, MEMORY_BYTES / 2)

/** A truth value is 0 or 1 outside, and there is no -0 among integers. */
function outcomeOf(call: () => unknown): unknown {
  try {
    const result = call()
    return result === undefined ? undefined : Number(result) + 0
  } catch (error) {
    return `throws ${(error as Error).message}`
  }
}
