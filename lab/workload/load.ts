/**
 * Finds scenarios by name and loads users' files, in the main thread and in workers alike. A user's
 * file may be TypeScript: jiti strips it where Node cannot, and keeps the result in our cache
 * directory, so that workers find it warm.
 */
import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { extname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Jiti } from 'jiti'
import { BadInput, isBadInput, messageOf, quoted } from '../words/bad-input.ts'
import { makeCacheFolder } from '../words/cache-directory.ts'
import { unknownName } from '../words/nearest.ts'
import { defineScenario, isScenario, type Scenario } from './scenario.ts'

const SOURCE_ENDINGS = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs']

/** True for what can only be a file: it has a slash or ends as a source file does. */
export function isSourcePath(nameOrPath: string): boolean {
  return /[\\/]/.test(nameOrPath) || SOURCE_ENDINGS.includes(extname(nameOrPath))
}

/** A built-in scenario by its name, or the one a file exports. `BadInput` when there is none. */
export async function loadScenario(
  nameOrPath: string,
  builtIn: ReadonlyMap<string, Scenario>,
): Promise<Scenario> {
  if (isSourcePath(nameOrPath)) return loadExport(nameOrPath, 'scenario', asScenario)
  const scenario = builtIn.get(nameOrPath)
  if (scenario === undefined) throw unknownName('scenario', nameOrPath, [...builtIn.keys()])
  return scenario
}

/** A scenario, or the plain object somebody forgot to wrap in `defineScenario`. */
function asScenario(value: unknown): Scenario | undefined {
  if (isScenario(value)) return value
  const plain = value as Parameters<typeof defineScenario>[0]
  const named = typeof value === 'object' && value !== null && 'params' in value
  return named ? defineScenario(plain) : undefined
}

/**
 * The first export of a file that `accept` takes, the default one first. `kind` names what is
 * wanted: `scenario`, `design`. Throws `BadInput` for a file that is missing, cannot be read,
 * does not parse, fails while it runs, or exports nothing of the kind.
 */
export async function loadExport<T>(
  path: string,
  kind: string,
  accept: (value: unknown) => T | undefined,
): Promise<T> {
  const exported = await loadModule(path, kind)
  const names = Object.keys(exported)
  for (const name of ['default', ...names.filter((other) => other !== 'default')]) {
    try {
      const accepted = accept(exported[name])
      if (accepted !== undefined) return accepted
    } catch (error) {
      throw new BadInput(`${kind} file ${quoted(path)}: ${messageOf(error)}`, { cause: error })
    }
  }
  const found = names.length > 0 ? `it exports ${names.join(', ')}` : 'it exports nothing'
  throw new BadInput(`${kind} file ${quoted(path)} has no ${kind} as its default export: ${found}`)
}

async function loadModule(path: string, kind: string): Promise<Record<string, unknown>> {
  const file = resolve(path)
  const about = `${kind} file ${quoted(path)}`
  const found = await stat(file).catch(() => undefined)
  if (found === undefined) throw new BadInput(`${about} does not exist`)
  if (!found.isFile()) throw new BadInput(`${about} is no file`)
  if (!SOURCE_ENDINGS.includes(extname(file))) {
    throw new BadInput(`${about}: expected a name that ends in ${SOURCE_ENDINGS.join(', ')}`)
  }
  const readable = await access(file, constants.R_OK).then(
    () => true,
    () => false,
  )
  if (!readable) throw new BadInput(`${about} cannot be read`)
  try {
    const exported = await loader().import<unknown>(file)
    return typeof exported === 'object' && exported !== null
      ? (exported as Record<string, unknown>)
      : { default: exported }
  } catch (error) {
    if (isBadInput(error)) throw new BadInput(`${about}: ${error.message}`, { cause: error })
    throw new BadInput(`${about} cannot be loaded: ${loadProblem(error)}`, { cause: error })
  }
}

/** What a parser or a failing module said. A parser's second line says where. */
function loadProblem(error: unknown): string {
  const lines = messageOf(error).split('\n').slice(0, 2)
  const name = error instanceof Error && error.name !== 'Error' ? [error.name] : []
  return [...name, ...lines.map((line) => line.trim()).filter((line) => line !== '')].join(': ')
}

/** This module beside the public one: `index.js` in dist/, `index.ts` when run from source. */
const here = import.meta.url
const publicModule = fileURLToPath(new URL(`../index${extname(fileURLToPath(here))}`, here))

let jiti: Jiti | undefined

/**
 * One per isolate: a second would load `arena-lab` a second time. Required on first use, because
 * jiti is large: an import would cost every worker 0.4 s of CPU to find its exports.
 */
function loader(): Jiti {
  jiti ??= (createRequire(here)('jiti') as typeof import('jiti')).createJiti(here, {
    fsCache: makeCacheFolder('modules') ?? false,
    alias: { 'arena-lab': publicModule },
    interopDefault: false,
  })
  return jiti
}
