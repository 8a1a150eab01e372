/**
 * The system calls of a trace, in order and with their sizes: the model's against those that strace
 * sees the real allocator make.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packOps } from '../../machine/native/pack.ts'
import { replayNative } from '../../machine/native/replay.ts'
import { SerialMachine } from '../../machine/serial/serial-machine.ts'
import { BadInput } from '../../words/bad-input.ts'
import type { CompareOptions } from './compare.ts'
import { memoryCalls, STRACE_OPTIONS } from './strace.ts'
import { requireVerifiable, type Subject } from './subject.ts'
import type { TraceSource } from './trace-source.ts'

export interface CallDifference {
  /** Place among the calls, from 0. */
  readonly at: number
  readonly model: string
  readonly native: string
  /** The last equal calls before it. */
  readonly before: readonly string[]
}

export interface KernelComparison {
  /** Calls that are equal. */
  readonly calls: number
  /** Undefined when all are. */
  readonly difference: CallDifference | undefined
}

const SHOWN_BEFORE = 8
/** Beyond the address space of x86-64. */
const NEVER_GRANTED = 2 ** 47
const NEW_HEAP = 'a new heap of 64 MiB'
const HEAP_BYTES = 64 * 1024 * 1024

/** `BadInput` when there is no strace. */
export async function compareKernelEffects(
  source: TraceSource,
  subject: Subject,
  options: CompareOptions,
): Promise<KernelComparison> {
  requireVerifiable(subject)
  if (subject.allocator !== 'glibc') throw new BadInput('--syscalls compares glibc alone')
  const machine = new SerialMachine(subject.design, subject.tunables, {
    ...options,
    placements: false,
    leaveUncertain: true,
    kernelLog: true,
  })
  const parts: Uint8Array[] = []
  for await (const chunk of source.chunks()) {
    machine.carryOut(chunk)
    parts.push(packOps(chunk, 0, chunk.length, machine.left.splice(0)))
  }
  machine.release()
  const model = comparable(machine.kernelLog?.lines ?? [])
  return firstDifference(model, comparable(await nativeCalls(parts, subject)))
}

async function nativeCalls(parts: readonly Uint8Array[], subject: Subject): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'arena-lab-strace-'))
  const file = join(folder, 'calls')
  try {
    const wrapper = ['strace', ...STRACE_OPTIONS, '-o', file]
    const { settings } = subject
    const replay = replayNative(parts, { allocator: 'glibc', settings, wrapper })
    for await (const _ of replay);
    return memoryCalls(await readFile(file, 'utf8'))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new BadInput('--syscalls needs strace (Debian: apt install strace)', { cause: error })
    }
    throw error
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Calls with what depends on chance taken out: a new heap is either a mapping of 64 MiB at a place
 * that is known to be aligned, or one of 128 MiB that is cut to size, as the kernel's addresses
 * will have it. Sizes that no kernel grants are not told apart.
 */
function comparable(calls: readonly string[]): string[] {
  const kept: string[] = []
  for (let i = 0; i < calls.length; i++) {
    const [name = '', size = ''] = calls[i]!.split(' ')
    if (Math.abs(Number(size)) >= NEVER_GRANTED) {
      kept.push(`${name} refused`)
    } else if (calls[i] === `mmap ${HEAP_BYTES}`) {
      kept.push(NEW_HEAP)
    } else if (calls[i] === `mmap ${2 * HEAP_BYTES}`) {
      let cut = 0
      while (cut < HEAP_BYTES && calls[i + 1]?.startsWith('munmap ') === true) {
        cut += Number(calls[++i]!.slice('munmap '.length))
      }
      kept.push(cut === HEAP_BYTES ? NEW_HEAP : `${NEW_HEAP} cut by ${cut}`)
    } else {
      kept.push(calls[i]!)
    }
  }
  return kept
}

function firstDifference(model: readonly string[], native: readonly string[]): KernelComparison {
  const calls = Math.max(model.length, native.length)
  for (let at = 0; at < calls; at++) {
    if (model[at] === native[at]) continue
    const before = model.slice(Math.max(0, at - SHOWN_BEFORE), at)
    const difference = { at, model: model[at] ?? 'none', native: native[at] ?? 'none', before }
    return { calls: at, difference }
  }
  return { calls, difference: undefined }
}
