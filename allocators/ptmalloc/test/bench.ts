/** A booted design with threads at hand, for tests of single rules. */
import type { Block, WordIndex } from '../../../lab/words/units.ts'
import type { ThreadHeap } from '../../contract.ts'
import { glibc, openGlibc } from '../glibc.ts'
import { type Location, locate } from '../locate.ts'
import type { Ptmalloc } from '../ptmalloc.ts'
import { openPtmalloc2, ptmalloc2 } from '../ptmalloc2.ts'
import {
  type GlibcTunables,
  glibcSpecs,
  type Ptmalloc2Tunables,
  ptmalloc2Specs,
} from '../tunables.ts'
import { tunablesOf } from './defaults.ts'
import { TestProcess } from './test-process.ts'

const TLS_START = 81920
const BYTES = 2 ** 30

export interface Bench {
  readonly process: TestProcess
  /** The design's state, seen by no thread. */
  readonly m: Ptmalloc
  /** Thread 0. */
  readonly main: ThreadHeap
  /** Starts a thread. */
  start(): ThreadHeap
  /** Bytes from the start of the brk heap, or of the block's heap. */
  offset(block: Block): number
  at(block: Block): Location
  violations(): readonly string[]
}

interface Parts {
  readonly process: TestProcess
  readonly m: Ptmalloc
  attach(thread: number, tls: WordIndex): ThreadHeap
  check(): readonly string[]
}

function benchOf(parts: Parts): Bench {
  let threads = 0
  const attach = (): ThreadHeap => {
    const thread = threads++
    return parts.attach(thread, (TLS_START + thread * 64) as WordIndex)
  }
  const at = (block: Block): Location => locate(parts.m, block)
  return {
    process: parts.process,
    m: parts.m,
    main: attach(),
    start: () => {
      parts.process.singleThreaded = false
      return attach()
    },
    at,
    offset: (block) => {
      const found = at(block)
      return found.kind === 'null' ? 0 : found.offset
    },
    violations: parts.check,
  }
}

const texts = (found: readonly { invariant: string; where: string }[]): string[] =>
  found.map(({ invariant, where }) => `${invariant}: ${where}`)

export function glibcBench(set: Partial<GlibcTunables> = {}, bytes = BYTES): Bench {
  const tunables = tunablesOf(glibcSpecs, set)
  const process = new TestProcess(bytes, glibc.dataBytes)
  glibc.boot(process, tunables)
  return benchOf({
    process,
    m: openGlibc(process, tunables),
    attach: (thread, tls) => glibc.attach(process, tunables, { thread, seat: thread, tls }),
    check: () => texts(glibc.check(process, tunables)),
  })
}

export function ptmalloc2Bench(set: Partial<Ptmalloc2Tunables> = {}, bytes = BYTES): Bench {
  const tunables = tunablesOf(ptmalloc2Specs, set)
  const process = new TestProcess(bytes, ptmalloc2.dataBytes)
  ptmalloc2.boot(process, tunables)
  return benchOf({
    process,
    m: openPtmalloc2(process, tunables),
    attach: (thread, tls) => ptmalloc2.attach(process, tunables, { thread, seat: thread, tls }),
    check: () => texts(ptmalloc2.check(process, tunables)),
  })
}

/** `count` blocks of `bytes` each. */
export const many = (heap: ThreadHeap, count: number, bytes: number): Block[] =>
  Array.from({ length: count }, () => heap.malloc(bytes))
