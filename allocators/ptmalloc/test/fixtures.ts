/** Traces with the placements of the real allocators, and how a design differs from them. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { tunablesOf } from './defaults.ts'
import { Replay, type Replayed } from './replay.ts'

const FOLDER = fileURLToPath(new URL('fixtures/', import.meta.url))

export interface Fixture {
  readonly name: string
  /** Those that are not as by default. */
  readonly tunables: Readonly<Record<string, number>>
  readonly trace: readonly string[]
  readonly placements: readonly string[]
}

const linesOf = (file: string): string[] =>
  readFileSync(FOLDER + file, 'utf8')
    .trimEnd()
    .split('\n')

/** `# tunables name=value,…`, the second line of a fixture. */
function tunablesIn(line: string): Record<string, number> {
  const pairs = line.replace('# tunables', '').trim()
  if (pairs === '') return {}
  return Object.fromEntries(
    pairs
      .split(',')
      .map((pair) => pair.split('='))
      .map(([name, value]) => [name, Number(value)]),
  )
}

function fixturesIn(folder: string): readonly Fixture[] {
  const traces = readdirSync(FOLDER + folder).filter((file) => file.endsWith('.trace'))
  return traces.map((file) => {
    const name = file.replace('.trace', '')
    const trace = linesOf(folder + file)
    const placements = linesOf(`${folder}${name}.placements`)
    return { name, trace, placements, tunables: tunablesIn(trace[1] ?? '') }
  })
}

/** From glibc 2.36 (Debian 2.36-9+deb12u14). */
export const fixtures = fixturesIn('')
/**
 * From Gloger's own source, built with 64 MiB heaps. Traces named `main-busy` were recorded with
 * the main arena locked whenever another thread than 0 allocated.
 */
export const ptmalloc2Fixtures = fixturesIn('ptmalloc2/')

/**
 * The first line where the design and the real one part, a failed op or invariant, or undefined
 * when there is none. The invariants are checked every `checkEvery` ops.
 */
export function firstDifference<T extends object>(
  replayed: Replayed<T>,
  fixture: Fixture,
  checkEvery: number,
): string | undefined {
  const tunables = tunablesOf(replayed.design.tunables, fixture.tunables as Partial<T>)
  const mainBusy = fixture.name.endsWith('main-busy')
  const replay = new Replay(replayed, tunables)
  let compared = 0
  for (const [number, line] of fixture.trace.entries()) {
    const where = `${fixture.name}, line ${number + 1}, ${line}`
    try {
      replay.line(line, mainBusy)
    } catch (error) {
      return `${where}: ${error instanceof Error ? error.message : error}`
    }
    for (; compared < replay.lines.length; compared++) {
      const expected = fixture.placements[compared]
      const found = replay.lines[compared]
      if (found !== expected) return `${where}: real ${expected}, model ${found}`
    }
    if (number % checkEvery === 0) {
      const [violation] = replayed.design.check(replay.process, tunables)
      if (violation !== undefined) return `${where}: ${violation.invariant}: ${violation.where}`
    }
  }
  if (compared !== fixture.placements.length) return `${compared} placements`
  return undefined
}
