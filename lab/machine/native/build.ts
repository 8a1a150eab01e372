/**
 * Builds our C programs on demand, into the cache directory. The name of the binary holds a hash of
 * its sources and of the compiler's version; it appears by a rename, so that builds that run at
 * once do not see half of each other.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, constants, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { BadInput, messageOf, quoted } from '../../words/bad-input.ts'
import { cacheDirectory } from '../../words/cache-directory.ts'
import { nativeEnvironment } from './environment.ts'
import { nativeLibrary } from './library.ts'

const run = promisify(execFile)

const SOURCES = [
  'replayer.c',
  'trace.c',
  'glibc-heap.c',
  'scenario.c',
  'scenario-plan.c',
  'bench.c',
  'process.c',
  'own.c',
] as const
const HEADERS = ['replayer.h', 'scenario.h'] as const
/**
 * `-fno-builtin`: the compiler must not reason about the malloc that it is there to measure.
 * `-no-pie`: the brk heap then starts in the first GiB, so that none of tcmalloc's 2 GiB page-map
 * boundaries falls at random into a heap of less than a GiB.
 */
const FLAGS = ['-O2', '-std=gnu11', '-Wall', '-fno-builtin', '-pthread', '-no-pie'] as const

/** A C program of ours: its name, and the files it is made of. */
interface Program {
  readonly name: string
  readonly sources: readonly string[]
  readonly headers: readonly string[]
}
const REPLAYER: Program = { name: 'replayer', sources: SOURCES, headers: HEADERS }
const CALIBRATION: Program = { name: 'calibrate', sources: ['calibrate.c'], headers: [] }

let built: Promise<string> | undefined

/** Path of the replayer's binary, compiled first when need be. `BadInput` when there is no `cc`. */
export function nativeReplayer(): Promise<string> {
  built ??= build(REPLAYER).catch((error: unknown) => {
    built = undefined
    throw error
  })
  return built
}

/** The same for the program that measures this machine. */
export function nativeCalibration(): Promise<string> {
  return build(CALIBRATION)
}

/** Version of the glibc that a native run runs under: `2.36`. */
export async function nativeGlibcVersion(): Promise<string> {
  return (await run(await nativeReplayer(), ['version'])).stdout
}

/** Version of the tcmalloc that a native run runs under: `2.10`. `BadInput` without one. */
export async function nativeTcmallocVersion(): Promise<string> {
  const env = nativeEnvironment('tcmalloc', await nativeLibrary('tcmalloc'), {})
  return (await run(await nativeReplayer(), ['tcmalloc-version'], { env })).stdout
}

async function build(program: Program): Promise<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new BadInput('the native machine needs Linux on x86-64')
  }
  const sources = await sourceFolder()
  const hash = createHash('sha256')
    .update(await compilerVersion())
    .update(FLAGS.join(' '))
  const { name, headers } = program
  for (const file of [...program.sources, ...headers])
    hash.update(await readFile(join(sources, file)))
  const cache = cacheDirectory()
  const binary = join(cache, `${name}-${hash.digest('hex').slice(0, 16)}`)
  if (await exists(binary)) return binary
  await compile(program, sources, cache, binary)
  return binary
}

async function compilerVersion(): Promise<string> {
  try {
    return (await run('cc', ['--version'])).stdout
  } catch (error) {
    throw new BadInput(
      'the native machine needs a C compiler: no `cc` found (Debian: apt install gcc libc6-dev)',
      { cause: error },
    )
  }
}

async function compile(
  program: Program,
  sources: string,
  cache: string,
  binary: string,
): Promise<void> {
  try {
    await mkdir(cache, { recursive: true })
  } catch (error) {
    throw new BadInput(`cache directory ${quoted(cache)}: ${messageOf(error)}`, { cause: error })
  }
  const folder = await mkdtemp(join(cache, 'build-'))
  const fresh = join(folder, program.name)
  try {
    const files = program.sources.map((file) => join(sources, file))
    await run('cc', [...FLAGS, '-o', fresh, ...files])
    await rename(fresh, binary)
  } catch (error) {
    const lines = stderrOf(error).split('\n')
    const full = lines.find((text) => /No space left|Disk quota/.test(text))
    if (full !== undefined) {
      throw new BadInput(`no room to compile the native replayer: ${full}`, { cause: error })
    }
    // `cc` without the C library's headers is the common case; its own words say which one.
    const line = lines.find((text) => /error/.test(text)) ?? 'cc failed'
    throw new BadInput(
      `the native ${program.name} does not compile (Debian: apt install gcc libc6-dev): ${line}`,
      { cause: error },
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const stderrOf = (error: unknown): string =>
  error instanceof Error && 'stderr' in error ? String(error.stderr) : messageOf(error)

/** The C files stand beside this one in the sources, and two levels up when this is `dist/…`. */
async function sourceFolder(): Promise<string> {
  for (const relative of ['.', '../../../../lab/machine/native']) {
    const folder = fileURLToPath(new URL(`${relative}/`, import.meta.url))
    if (await exists(join(folder, SOURCES[0]))) return folder
  }
  throw new Error('the replayer’s C sources are missing from this installation')
}

async function exists(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  )
}
