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
/** The first Linux in which faults do not wait for system calls. */
const VMA_LOCKS = { major: 6, minor: 4 } as const

type Figures = Readonly<Record<string, number>>
interface Rounds {
  readonly lowest: Figures
  readonly highest: Figures
}

/** Takes some seconds; best on an idle machine. `BadInput` when there is no C compiler. */
export async function calibrate(at: Date): Promise<CostTable> {
  const program = await nativeCalibration()
  const own = await measure(program, [], {})
  const cached = await measure(program, ['pair'], {})
  const uncached = await measure(program, ['pair'], {
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
  for (const name of MEASURED) set(name, own.lowest[name])
  const line = `${source}; between two cores, ${spread(own, 'coreTransfer')}`
  if (own.lowest['coreTransfer'] !== undefined) {
    costs['coreTransfer'] = { value: costs['coreTransfer']!.value, source: line }
    costs['socketTransfer'] = costs['coreTransfer']
  }
  costs['vmaLocks'] = { value: hasVmaLocks(release()) ? 1 : 0, source }
  set('event.list_steps', own.lowest['listStep'])
  set('event.bin_steps', own.lowest['listStep'])
  set('channel', 2 * own.lowest['channel']!)
  // There and back: a wake-up, a wait and a switch each way.
  set(
    'contextSwitch',
    own.lowest['contextSwitch']! -
      own.lowest['futexWait']! -
      SAME_CORE_WAKE * own.lowest['futexWake']!,
  )
  for (const [name, pair] of [
    ['glibc', cached.lowest['pair']],
    ['ptmalloc2', cached.lowest['pair']],
    ['tcmalloc', tcmalloc],
  ] as const) {
    set(`${name}.malloc`, pair === undefined ? undefined : pair / 2)
    set(`${name}.free`, pair === undefined ? undefined : pair / 2)
  }
  const locked =
    (uncached.lowest['replace']! -
      cached.lowest['replace']! -
      2 * own.lowest['lock']! +
      cached.lowest['pair']!) /
    2
  set('glibc.locked', locked)
  set('ptmalloc2.locked', locked)
  return { name: 'calibrated', summary: source, costs }
}

/** Undefined where gperftools is not installed. */
async function tcmallocPair(program: string): Promise<number | undefined> {
  const library = await nativeLibrary('tcmalloc').catch(() => undefined)
  if (library === undefined) return undefined
  return (await measure(program, ['pair'], { LD_PRELOAD: library })).lowest['pair']
}

async function measure(
  program: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Rounds> {
  const lowest: Record<string, number> = {}
  const highest: Record<string, number> = {}
  for (let round = 0; round < RUNS; round++) {
    const { stdout } = await run(program, [...words], { env: { ...process.env, ...environment } })
    for (const line of stdout.trim().split('\n')) {
      const [name = '', ns = ''] = line.split(' ')
      lowest[name] = Math.min(lowest[name] ?? Number.POSITIVE_INFINITY, Number(ns))
      highest[name] = Math.max(highest[name] ?? 0, Number(ns))
    }
  }
  return { lowest, highest }
}

/** How far rounds were apart: a host may move a virtual machine's CPUs meanwhile. */
function spread({ lowest, highest }: Rounds, name: string): string {
  const from = Math.round(lowest[name] ?? 0)
  return `${from} to ${Math.round(highest[name] ?? 0)} ns in ${RUNS} rounds`
}

/** CONFIG_PER_VMA_LOCK came with Linux 6.4. `kernel` as uname -r says it. */
export function hasVmaLocks(kernel: string): boolean {
  const [major = 0, minor = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10))
  return major > VMA_LOCKS.major || (major === VMA_LOCKS.major && minor >= VMA_LOCKS.minor)
}
