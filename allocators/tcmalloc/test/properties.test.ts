/**
 * Whatever a program does, no two live blocks overlap, blocks keep their contents, and every
 * invariant holds after each step; at the end, all memory is free again. Random programs come from
 * fast-check, so that a failure is shrunk and printed.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BLOCK_NULL, type Block, wordsOfBytes } from '../../../lab/words/units.ts'
import { tcmalloc } from '../design.ts'
import type { TcmallocTunables } from '../tunables.ts'
import { randomTrace } from './random-trace.ts'
import { Replayer } from './replay.ts'

const THREADS = 4
const HEAP_BYTES = 2 ** 27

const size = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 300 }) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 40_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 3_000_000 }) },
)
const step = fc.record({
  thread: fc.integer({ min: 0, max: THREADS - 1 }),
  op: fc.constantFrom('m', 'm', 'm', 'c', 'a', 'r', 'f', 'f', 'f', 't', 'x'),
  pick: fc.nat(),
  size,
  alignment: fc.constantFrom(8, 16, 64, 512, 4096, 8192, 16_384, 262_144),
  repeat: fc.integer({ min: 1, max: 40 }),
})
const tunables: fc.Arbitrary<Partial<TcmallocTunables>> = fc.constantFrom(
  {},
  { max_total_thread_cache_bytes: 1 },
  { aggressive_decommit: 1 },
  { disable_memory_release: 1 },
  { release_rate: 1000 },
  { transfer_num_obj: 2 },
  { heap_limit_mb: 24 },
  { skip_sbrk: 1 },
  { max_overages: 0 },
)

/** Carries out steps, stamps every block at both ends and looks at the stamps again. */
class Program {
  readonly replayer: Replayer
  readonly #stamps = new Map<number, number>()
  #next = 1

  constructor(changes: Partial<TcmallocTunables>) {
    this.replayer = new Replayer(changes, HEAP_BYTES)
  }

  run({ thread, op, pick, size: bytes, alignment }: StepOf<typeof step>): void {
    const { live } = this.replayer
    const numbers = [...live.keys()]
    const chosen = numbers[pick % Math.max(numbers.length, 1)]
    if (op === 'x') {
      if (thread > 0 && this.replayer.heap(thread) !== undefined) this.replayer.end(thread)
    } else if (op === 't') {
      this.replayer.line(`${thread} t 0`)
    } else if (op === 'f' || op === 'r') {
      if (chosen === undefined) return
      this.#verify(chosen)
      this.replayer.line(`${thread} ${op} ${chosen} ${bytes}`)
      if (op === 'r') this.#verifyStart(chosen)
      this.#stamp(chosen)
    } else {
      const number = this.#next++
      const sizes = op === 'c' ? `1 ${bytes}` : op === 'a' ? `${alignment} ${bytes}` : `${bytes}`
      this.replayer.line(`${thread} ${op} ${number} ${sizes}`)
      const block = live.get(number)?.block
      if (block !== undefined && op === 'a') expect((block * 4) % alignment).toBe(0)
      if (block !== undefined && op === 'c') this.#expectZeros(block, bytes)
      this.#stamp(number)
    }
  }

  #ends(number: number): [first: number, last: number] | undefined {
    const held = this.replayer.live.get(number)
    if (held === undefined || held.bytes < 4) return undefined
    return [held.block, held.block + Math.floor(held.bytes / 4) - 1]
  }
  #stamp(number: number): void {
    const ends = this.#ends(number)
    this.#stamps.delete(number)
    if (ends === undefined) return
    const { words } = this.replayer.process
    words[ends[0]] = words[ends[1]] = number
    this.#stamps.set(number, number)
  }
  #verify(number: number): void {
    const ends = this.#ends(number)
    if (ends === undefined || !this.#stamps.has(number)) return
    const { words } = this.replayer.process
    expect([words[ends[0]], words[ends[1]]]).toEqual([number, number])
  }
  #verifyStart(number: number): void {
    const ends = this.#ends(number)
    if (ends === undefined || !this.#stamps.has(number)) return
    expect(this.replayer.process.words[ends[0]]).toBe(number)
  }
  #expectZeros(block: Block, bytes: number): void {
    const { words } = this.replayer.process
    expect(words.subarray(block, block + wordsOfBytes(bytes)).every((word) => word === 0)).toBe(
      true,
    )
  }

  check(): void {
    const { process, tunables: t } = this.replayer
    expect(tcmalloc.check(process, t)).toEqual([])
    this.replayer.checkOverlap()
  }
}
type StepOf<T> = T extends fc.Arbitrary<infer S> ? S : never

describe('tcmalloc under random programs', () => {
  it('keeps every invariant, and blocks apart and intact', () => {
    const program = fc.tuple(tunables, fc.array(step, { minLength: 1, maxLength: 25 }))
    fc.assert(
      fc.property(program, ([changes, steps]) => {
        const run = new Program(changes)
        for (const one of steps) {
          for (let i = 0; i < one.repeat; i++) run.run(one)
        }
        run.check()
      }),
      { numRuns: 40, seed: 20260101 },
    )
  })

  it('has every invariant after each of 300 steps of a long run', () => {
    const replayer = new Replayer({ max_total_thread_cache_bytes: 1 }, HEAP_BYTES)
    const trace = randomTrace({ seed: 3, threads: 8, ops: 6000, exits: true })
    for (const [index, line] of trace.entries()) {
      replayer.line(line)
      if (index % 20 !== 0) continue
      replayer.checkOverlap()
      expect(tcmalloc.check(replayer.process, replayer.tunables)).toEqual([])
    }
  })

  it('has nothing left in use when all is freed and all threads but main have ended', () => {
    const replayer = new Replayer()
    for (const line of randomTrace({ seed: 5, threads: 8, ops: 5000, large: true })) {
      replayer.line(line)
    }
    for (const number of [...replayer.live.keys()]) replayer.line(`0 f ${number}`)
    for (let thread = 1; thread < 8; thread++) replayer.end(thread)
    replayer.line('0 t 0')
    replayer.line('k')
    const { stats } = replayer.checkpoints.at(-1)!
    // The pool, two MallocExtension objects (16 + 8 bytes) and four cached stacks' DTVs (304).
    expect(stats.current_allocated_bytes).toBe(73_752 + 4 * 320)
    expect(stats.pageheap_free_bytes).toBe(0)
    expect(stats.thread_heaps_in_use).toBe(2)
  })
})

describe('tcmalloc at the edges', () => {
  it('gives NULL for what cannot be, and goes on', () => {
    const replayer = new Replayer({}, HEAP_BYTES)
    const heap = replayer.heap(0)
    for (const bytes of [2 ** 48, 2 ** 53, 2 ** 63, 2 ** 64]) {
      expect(heap.malloc(bytes)).toBe(BLOCK_NULL)
      expect(heap.memalign(64, bytes)).toBe(BLOCK_NULL)
      expect(heap.memalign(16_384, bytes)).toBe(BLOCK_NULL)
    }
    expect(heap.calloc(2 ** 40, 2 ** 40)).toBe(BLOCK_NULL)
    const block = heap.malloc(100)
    expect(heap.realloc(block, 2 ** 50)).toBe(BLOCK_NULL)
    expect(heap.usableSize(block)).toBe(112)
    expect(tcmalloc.check(replayer.process, replayer.tunables)).toEqual([])
  })

  it('frees through a thread that has no cache straight into the central list', () => {
    const replayer = new Replayer({}, HEAP_BYTES)
    const block = replayer.heap(0).malloc(100)
    replayer.heap(1).free(block)
    replayer.line('k')
    expect(replayer.checkpoints[0]!.stats.thread_heaps_in_use).toBe(2)
    expect(tcmalloc.check(replayer.process, replayer.tunables)).toEqual([])
  })

  it("aborts in tcmalloc's words on a pointer that is none of its own", () => {
    const replayer = new Replayer({}, HEAP_BYTES)
    const wild = (replayer.process.words.length - 4096) as Block
    expect(() => replayer.heap(0).free(wild)).toThrow('Attempt to free invalid pointer')
    expect(() => replayer.heap(0).usableSize(wild)).toThrow('invalid pointer')
  })
})
