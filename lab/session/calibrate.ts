/**
 * `arena-lab calibrate`: measures what things cost on this machine and makes a cost table of it for
 * the virtual machine. What a program cannot measure is taken over from the default preset.
 */
import { execFile } from 'node:child_process'
import { cpus, release } from 'node:os'
import { promisify } from 'node:util'
import { nativeCalibration } from '../machine/native/build.ts'
import { nativeLibrary } from '../machine/native/library.ts'
import {
  type CostEntry,
  type CostTable,
  costPresets,
  DEFAULT_PRESET,
} from '../machine/virtual/costs.ts'

const run = promisify(execFile)

/** Entries that the C program measures under their own names. */
const MEASURED = [
  'lock',
  'atomic',
  'futexWait',
  'futexWake',
  'wake',
  'coreTransfer',
  'fault',
  'brk',
  'mmap',
  'munmap',
  'mremap',
  'mprotect',
  'madvise',
  'pageFreed',
  'threadStart',
  'newStack',
  'yield',
  'op',
  'write',
  'writeKib',
] as const
/** Rounds of the whole program, each in a fresh process; the lowest figure counts. */
const RUNS = 3
const LEAST_NS = 1
/** Stores into a block just got cost less than can be told in whole ns. */
const LEAST_NS_OF_WRITE = 0
/** Part of a FUTEX_WAKE that it takes when the woken thread runs on the same core. */
const SAME_CORE_WAKE = 0.5

type Figures = Readonly<Record<string, number>>

/** Takes some seconds; best on an idle machine. `BadInput` when there is no C compiler. */
export async function calibrate(at: Date): Promise<CostTable> {
  const program = await nativeCalibration()
  const own = await lowest(program, [], {})
  const cached = await lowest(program, ['pair'], {})
  const uncached = await lowest(program, ['pair'], {
    GLIBC_TUNABLES: 'glibc.malloc.tcache_count=0',
  })
  const tcmalloc = await tcmallocPair(program)
  const cpu = cpus()[0]?.model.trim() ?? 'unknown CPU'
  const source = `arena-lab calibrate, ${at.toISOString()}, ${cpu} × ${cpus().length}, ${release()}`
  const costs: Record<string, CostEntry> = { ...costPresets()[DEFAULT_PRESET]!.costs }
  const set = (name: string, ns: number | undefined): void => {
    if (ns === undefined) return
    const least = name === 'write' ? LEAST_NS_OF_WRITE : LEAST_NS
    costs[name] = { value: Math.max(least, Math.round(ns)), source }
  }
  for (const name of MEASURED) set(name, own[name])
  set('socketTransfer', own['coreTransfer'])
  set('event.list_steps', own['listStep'])
  set('event.bin_steps', own['listStep'])
  set('channel', 2 * own['channel']!)
  // There and back: a wake-up, a wait and a switch each way.
  set(
    'contextSwitch',
    own['contextSwitch']! - own['futexWait']! - SAME_CORE_WAKE * own['futexWake']!,
  )
  for (const [name, pair] of [
    ['glibc', cached['pair']],
    ['ptmalloc2', cached['pair']],
    ['tcmalloc', tcmalloc],
  ] as const) {
    set(`${name}.malloc`, pair === undefined ? undefined : pair / 2)
    set(`${name}.free`, pair === undefined ? undefined : pair / 2)
  }
  const locked =
    (uncached['replace']! - cached['replace']! - 2 * own['lock']! + cached['pair']!) / 2
  set('glibc.locked', locked)
  set('ptmalloc2.locked', locked)
  return { name: 'calibrated', summary: source, costs }
}

/** Undefined where gperftools is not installed. */
async function tcmallocPair(program: string): Promise<number | undefined> {
  const library = await nativeLibrary('tcmalloc').catch(() => undefined)
  if (library === undefined) return undefined
  return (await lowest(program, ['pair'], { LD_PRELOAD: library }))['pair']
}

async function lowest(
  program: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Figures> {
  const figures: Record<string, number> = {}
  for (let round = 0; round < RUNS; round++) {
    const { stdout } = await run(program, [...words], { env: { ...process.env, ...environment } })
    for (const line of stdout.trim().split('\n')) {
      const [name = '', ns = ''] = line.split(' ')
      figures[name] = Math.min(figures[name] ?? Number.POSITIVE_INFINITY, Number(ns))
    }
  }
  return figures
}
