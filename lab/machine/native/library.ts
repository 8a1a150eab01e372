/** Which malloc the native machine runs under: glibc's own, a known library, or any file. */
import { access, constants, open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { BadInput, quoted } from '../../words/bad-input.ts'
import { unknownName } from '../../words/nearest.ts'

const FOLDERS = ['/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/local/lib', '/usr/lib'] as const

interface KnownLibrary {
  readonly file: string
  /** Debian's package. */
  readonly packageName: string
}

const LIBRARIES: Readonly<Record<string, KnownLibrary>> = {
  jemalloc: { file: 'libjemalloc.so.2', packageName: 'libjemalloc2' },
  tcmalloc: { file: 'libtcmalloc_minimal.so.4', packageName: 'libtcmalloc-minimal4' },
  mimalloc: { file: 'libmimalloc.so.2.0', packageName: 'libmimalloc2.0' },
}

/** What `native:NAME` may say. */
const NATIVE_ALLOCATORS: readonly string[] = ['glibc', ...Object.keys(LIBRARIES)]

/** Path for LD_PRELOAD; undefined for glibc. `BadInput` when it is unknown or not installed. */
export async function nativeLibrary(name: string): Promise<string | undefined> {
  if (name === 'glibc') return undefined
  const library = Object.hasOwn(LIBRARIES, name) ? LIBRARIES[name] : undefined
  if (library === undefined) throw unknownName('native allocator', name, NATIVE_ALLOCATORS)
  for (const folder of FOLDERS) {
    const path = `${folder}/${library.file}`
    if (await readable(path)) return path
  }
  throw new BadInput(
    `native:${name} needs ${library.file} (Debian: apt install ${library.packageName})`,
  )
}

/** The library of `--preload FILE`. */
export async function preloadFile(path: string): Promise<string> {
  const file = resolve(path)
  if (!(await readable(file))) throw new BadInput(`--preload ${quoted(path)}: cannot be read`)
  // The loader only warns about anything else, and the run would then be glibc's.
  if (!(await isElf(file))) throw new BadInput(`--preload ${quoted(path)}: no shared library`)
  // The dynamic loader splits LD_PRELOAD at both.
  if (/[\s:]/.test(file)) {
    throw new BadInput(`--preload ${quoted(path)}: the path must not hold spaces or colons`)
  }
  return file
}

async function isElf(path: string): Promise<boolean> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0)
    return bytesRead === 4 && buffer.toString('latin1') === '\x7fELF'
  } finally {
    await file.close()
  }
}

async function readable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  )
}
