/** Traces with the placements of the real glibc, and how a design differs from them. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type GlibcTunables, glibcSpecs } from '../tunables.ts'
import { tunablesOf } from './defaults.ts'
import { Replay, type Replayed } from './replay.ts'

const FOLDER = fileURLToPath(new URL('fixtures/', import.meta.url))

export interface Fixture {
  readonly name: string
  readonly tunables: Partial<GlibcTunables>
  readonly trace: readonly string[]
  readonly placements: readonly string[]
}

const linesOf = (file: string): string[] =>
  readFileSync(FOLDER + file, 'utf8')
    .trimEnd()
    .split('\n')

/** `# tunables name=value,…`, the second line of a fixture. */
function tunablesIn(line: string): Partial<GlibcTunables> {
  const pairs = line.replace('# tunables', '').trim()
  if (pairs === '') return {}
  return Object.fromEntries(
    pairs
      .split(',')
      .map((pair) => pair.split('='))
      .map(([name, value]) => [name, Number(value)]),
  )
}

export const fixtures: readonly Fixture[] = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.trace'))
  .map((file) => {
    const name = file.replace('.trace', '')
    const trace = linesOf(file)
    const placements = linesOf(`${name}.placements`)
    return { name, trace, placements, tunables: tunablesIn(trace[1] ?? '') }
  })

/**
 * The first line where the design and the real one part, a failed op or invariant, or undefined when
 * there is none. The invariants are checked every `checkEvery` ops.
 */
export function firstDifference(
  replayed: Replayed<GlibcTunables>,
  fixture: Fixture,
  checkEvery: number,
): string | undefined {
  const tunables = tunablesOf(glibcSpecs, fixture.tunables)
  const replay = new Replay(replayed, tunables)
  let compared = 0
  for (const [number, line] of fixture.trace.entries()) {
    const where = `${fixture.name}, line ${number + 1}, ${line}`
    try {
      replay.line(line)
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
