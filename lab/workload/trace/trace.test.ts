/**
 * The reader is fast because it parses by hand; here it is held against a slow reader that splits
 * lines and knows the rules by heart, on good traces, broken ones and garbage.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { BadInput } from '../../words/bad-input.ts'
import { lineOfOp, type Trace } from './chunk.ts'
import { isAlignment, TRACE_HEADER } from './format.ts'
import { generateTrace } from './generate.ts'
import { PROFILE_NAMES } from './profiles.ts'
import { parseTrace, readTrace, readWholeTrace } from './read.ts'
import { TraceWriter } from './writer.ts'

const folder = mkdtempSync(join(tmpdir(), 'arena-lab-trace-'))
afterAll(() => rmSync(folder, { recursive: true }))

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const parse = (...lines: string[]): Trace =>
  parseTrace('t', [bytesOf([TRACE_HEADER, ...lines].join('\n'))])
const linesOf = (trace: Trace): string[] =>
  trace.chunks.flatMap((chunk) =>
    Array.from({ length: chunk.length }, (_, i) => lineOfOp(chunk, i)),
  )

/** Ops of a text by the rules of the format, or the number of the first bad line. */
function readSlowly(text: string): string[] | number {
  const [header, ...lines] = text.split('\n')
  if (header?.trimEnd() !== TRACE_HEADER) return 1
  /** Live blocks; true: known to be NULL. */
  const live = new Map<string, boolean>()
  const ops: string[] = []
  for (const [i, line] of lines.entries()) {
    const words = line.split(/[ \t\r]+/).filter((word) => word !== '')
    if (words.length === 0 || words[0]!.startsWith('#')) continue
    if (!isLawful(words, live)) return i + 2
    ops.push(words.map((word) => (/^\d+$/.test(word) ? BigInt(word).toString() : word)).join(' '))
  }
  return ops
}

function isLawful(words: string[], live: Map<string, boolean>): boolean {
  if (words[0] === 'k') return words.length === 1
  const [thread, op, ...fields] = words as [string, string, ...string[]]
  if ([thread, ...fields].some((word) => !/^\d+$/.test(word))) return false
  if (BigInt(thread) >= 2n ** 20n) return false
  if (fields.length !== { m: 2, c: 3, r: 2, a: 3, f: 1, w: 1, t: 1, x: 0 }[op]) return false
  if (op === 'x') return BigInt(thread) !== 0n
  const numbers = fields.map(BigInt)
  const sizes = op === 't' ? numbers : numbers.slice(1)
  if (sizes.some((size) => size >= 2n ** 64n)) return false
  if (op === 't') return true
  if (numbers[0]! >= 2n ** 31n - 1n) return false
  const block = String(numbers[0])
  if (op === 'f' || op === 'w') return op === 'f' ? live.delete(block) : live.has(block)
  const [first = 0n, second = 0n] = sizes
  const asked = op === 'c' ? [first * second] : op === 'a' ? [first, second] : [first]
  if (asked.some((size) => size > 2n ** 30n && size < 2n ** 48n)) return false
  const isNull = asked.some((size) => size >= 2n ** 48n)
  if (op === 'a' && !(first > 0n && (first & (first - 1n)) === 0n)) return false
  if (op === 'r') {
    if (!live.has(block)) return false
    if (first === 0n) return live.get(block) === false && live.delete(block)
    if (!isNull) live.set(block, false)
    return true
  }
  if (live.has(block)) return false
  live.set(block, isNull)
  return true
}

/** What the real reader makes of a text, in the slow one's terms. */
function readFast(text: string, cuts: readonly number[] = []): string[] | number {
  const bytes = bytesOf(text)
  const pieces: Uint8Array[] = []
  let from = 0
  for (const cut of [...cuts].map((c) => c % (bytes.length + 1)).sort((a, b) => a - b)) {
    pieces.push(bytes.subarray(from, cut))
    from = cut
  }
  try {
    return linesOf(parseTrace('t', [...pieces, bytes.subarray(from)]))
  } catch (error) {
    expect(error).toBeInstanceOf(BadInput)
    const message = (error as Error).message
    expect(message).not.toContain('\n')
    const line = /^trace t, line (\d+) '/.exec(message)
    if (line === null) expect(message).toMatch(/^trace t must begin with/)
    return line === null ? 1 : Number(line[1])
  }
}

/** Numbers at and beside every limit of the format. */
const numbers = fc.oneof(
  fc.nat(4).map(String),
  fc.nat(1).map((n) => `00${n}`),
  fc
    .tuple(
      fc.constantFrom(0n, 20n, 30n, 31n, 32n, 47n, 48n, 53n, 63n, 64n),
      fc.integer({ min: -2, max: 2 }),
    )
    .map(([power, plus]) => String(2n ** power + BigInt(plus))),
  fc.constantFrom('4096', '1000000', '-1', 'x', '1.5', '99999999999999999999999'),
)
const opLines = fc
  .tuple(
    fc.oneof({ weight: 9, arbitrary: fc.nat(3).map(String) }, { weight: 1, arbitrary: numbers }),
    fc.constantFrom('m', 'm', 'm', 'c', 'r', 'a', 'f', 'f', 'w', 't', 'x', 'k', 'q'),
    fc.nat(3).map(String),
    fc.array(numbers, { maxLength: 3 }),
    fc.constantFrom(' ', '  ', '\t'),
    fc.constantFrom('', '', '', ' ', '\r', ' # no comment'),
  )
  .map(([thread, op, block, rest, gap, end]) => {
    const wanted = 'mr'.includes(op) ? 1 : 'ca'.includes(op) ? 2 : 0
    const fields = rest.length > 2 ? rest : rest.slice(0, wanted)
    const blocks = op === 't' ? rest.slice(0, 1) : op === 'x' ? [] : [block, ...fields]
    return (op === 'k' ? 'k' : [thread, op, ...blocks].join(gap)) + end
  })
const someLines = fc.oneof(
  { weight: 20, arbitrary: opLines },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', '# a comment', '   ', '#', 'k k', '0', '0 m', ' 0 m 9 1'),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 12 }).map((text) => text.replace(/\n/g, ' ')) },
)

describe('trace reader', () => {
  it('reads every op', () => {
    const lines = ['0 m 1 100', '3 c 2 4 25', '0 r 1 200', '3 a 4 64 10', '0 w 1', '0 f 2', '0 t 0']
    const trace = parse(...lines, 'k', '3 x', '# the end', '')
    expect(linesOf(trace)).toEqual([...lines, 'k', '3 x'])
    expect(trace.totals).toEqual({ ops: 9, lines: 11, threads: 4, slots: 3, checkpoints: 1 })
  })

  it('agrees with the slow reader on good and bad lines, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(someLines, { maxLength: 30 }),
        fc.array(fc.nat(), { maxLength: 6 }),
        fc.boolean(),
        (lines, cuts, endsWithNewline) => {
          const text = [TRACE_HEADER, ...lines].join('\n') + (endsWithNewline ? '\n' : '')
          const slow = readSlowly(text)
          const fast = readFast(text, cuts)
          // Sizes above 2^53 are kept rounded towards zero: compared as doubles.
          const rounded = (found: string[] | number): unknown =>
            typeof found === 'number' ? found : found.map((line) => line.split(' ').map(loosely))
          expect(rounded(fast)).toEqual(rounded(slow))
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('never fails but with BadInput, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, hasHeader) => {
        const head = hasHeader ? [bytesOf(`${TRACE_HEADER}\n`)] : []
        try {
          parseTrace('t', [...head, bytes])
        } catch (error) {
          expect(error).toBeInstanceOf(BadInput)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('gives live blocks slots of their own, as few as are live at once', () => {
    const trace = parse(
      '0 m 7 1',
      '0 m 1000000 1',
      '0 f 7',
      '0 m 8 1',
      '0 r 8 0',
      '0 m 9 2',
      '0 f 9',
    )
    const [chunk] = trace.chunks
    expect([...chunk!.slot.subarray(0, 7)]).toEqual([0, 1, 0, 0, 0, 0, 0])
    expect(trace.totals.slots).toBe(2)
  })

  it.each<[string, RegExp]>([
    ['0 m 1', /line 3 '0 m 1': expected a size/],
    ['0 m 1 2 3', /expected the end of the line/],
    ['0 m x 3', /expected a block number/],
    ['0 q 1 3', /expected one of the ops/],
    ['0m 1 3', /expected an op after the thread number/],
    ['m 1 3', /expected a thread number or k/],
    ['0 m 1 -3', /expected a size/],
    ['0 m 5 10', /block 5 is still live since line 2/],
    ['0 f 6', /block 6 is not live/],
    ['0 w 6', /block 6 is not live/],
    ['0 x', /thread 0 is the main thread/],
    ['1048576 x', /below 1048576/],
    ['0 m 1 1073741825', /at most 1 GiB, or at least 2\^48/],
    ['0 c 1 65536 65536', /count × size must be at most 1 GiB/],
    ['0 a 1 48 100', /power of two/],
    ['0 a 1 0 100', /power of two/],
    ['0 m 1 18446744073709551616', /below 2\^64/],
    ['0 r 5 0\n0 f 5', /line 4 '0 f 5': block 5 is not live/],
    ['0 m 6 281474976710656\n0 r 6 0', /block 6 is NULL/],
    [`0 m 1 1${'0'.repeat(300)}`, /…'/],
    ['\u0007', /line 3 '\\u\{7\}'/],
  ])('names %j', (line, message) => {
    expect(() => parse('0 m 5 10', line)).toThrow(message)
  })

  it.each<[string]>([
    ['0 m 1 1073741824'],
    ['0 m 1 18446744073709551615'],
    ['0 m 1 281474976710656\n0 f 1'],
    ['0 m 1 281474976710656\n0 r 1 5\n0 r 1 0'],
    ['0 c 1 18446744073709551615 18446744073709551615\n0 w 1'],
    ['0 c 1 0 18446744073709551615'],
    ['0 a 1 1 0'],
    ['0 a 1 9223372036854775808 1'],
    ['0 t 4294967296000'],
    ['7 x\n7 x\n7 m 1 1'],
  ])('accepts %j', (line) => {
    expect(() => parse(...line.split('\n'))).not.toThrow()
  })

  it('keeps huge sizes on their side of PTRDIFF_MAX', () => {
    const trace = parse('0 m 1 9223372036854775807', '0 m 2 9223372036854775808')
    expect(trace.chunks[0]!.size[0]).toBeLessThan(2 ** 63)
    expect(trace.chunks[0]!.size[1]).toBe(2 ** 63)
  })

  it.each(['', '\n', '# arena-lab-trace 2\n', '0 m 1 1\n', '# arena-lab-trace 1x'])(
    'wants its header first: %j',
    (text) => {
      expect(() => parseTrace('t', [bytesOf(text)])).toThrow(
        /must begin with '# arena-lab-trace 1'/,
      )
    },
  )

  it('refuses a line without an end before it fills the memory', () => {
    const piece = new Uint8Array(300_000).fill(0x23)
    expect(() => parseTrace('t', [bytesOf(`${TRACE_HEADER}\n`), ...Array(5).fill(piece)])).toThrow(
      /longer than 1048576 bytes/,
    )
  })

  it('names files that are not there, or are none', async () => {
    await expect(readTrace(join(folder, 'none'), () => {})).rejects.toThrow(
      /cannot be read: ENOENT/,
    )
    await expect(readTrace(folder, () => {})).rejects.toThrow(BadInput)
  })
})

describe('trace writer', () => {
  it('writes what the reader reads', () => {
    const writer = new TraceWriter()
    writer.malloc(0, 1, 100)
    writer.calloc(3, 2, 4, 25)
    writer.realloc(0, 1, 2 ** 63)
    writer.comment('two\nlines')
    writer.memalign(3, 4, 64, 10)
    writer.write(0, 1)
    writer.free(0, 2)
    writer.trim(0, 0)
    writer.checkpoint()
    writer.exit(3)
    const text = new TextDecoder().decode(writer.take())
    expect(text).toBe(
      `${TRACE_HEADER}\n0 m 1 100\n3 c 2 4 25\n0 r 1 9223372036854775808\n# two lines\n` +
        '3 a 4 64 10\n0 w 1\n0 f 2\n0 t 0\nk\n3 x\n',
    )
    expect(writer.pending).toBe(0)
  })

  it.each(PROFILE_NAMES)('writes a %s trace back as it was read', (profile) => {
    const trace = parseTrace('t', generateTrace({ seed: 3, threads: 6, ops: 3000, profile }))
    const writer = new TraceWriter()
    for (const chunk of trace.chunks) {
      for (let i = 0; i < chunk.length; i++) writer.opOf(chunk, i)
    }
    const again = parseTrace('again', [writer.take()])
    expect(linesOf(again)).toEqual(linesOf(trace))
  })
})

describe('trace generator', () => {
  const textOf = (options: Parameters<typeof generateTrace>[0]): string =>
    Buffer.concat([...generateTrace(options)]).toString()

  it('makes lawful traces of any seed, profile and number of threads', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 2000 }),
        fc.constantFrom(...PROFILE_NAMES),
        (seed, threads, ops, profile) => {
          const text = textOf({ seed, threads, ops, profile })
          const slow = readSlowly(text)
          expect(slow).toHaveLength(ops)
          expect(readFast(text)).toEqual(slow)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('is the same for the same seed, on every Node', () => {
    const options = { seed: 7, threads: 3, ops: 12, profile: 'mixed' } as const
    expect(textOf(options)).toMatchInlineSnapshot(`
      "# arena-lab-trace 1
      # arena-lab trace generate: seed 7, profile mixed
      # up to 3 threads at once, 12 ops
      0 m 0 77
      0 m 1 4041
      0 w 1
      0 f 1
      0 m 2 110
      0 f 2
      0 f 0
      0 c 3 1 16320
      0 f 3
      0 m 4 14951
      0 f 4
      k
      "
    `)
    expect(textOf({ ...options, seed: 8 })).not.toBe(textOf(options))
  })

  it.each(PROFILE_NAMES)('%s: every op, bounded live bytes, threads as asked', async (profile) => {
    const file = join(folder, `${profile}.trace`)
    writeFileSync(file, textOf({ seed: 11, threads: 5, ops: 100_000, profile }))
    const { chunks, totals } = await readWholeTrace(file)
    const census = takeCensus(chunks)
    expect([...census.letters].sort().join('')).toBe('acfkmrtwx')
    expect(census.liveBytesMax).toBeLessThanOrEqual(256 * 1024 * 1024)
    expect(census.liveBytesMax).toBeGreaterThan(1024 * 1024)
    expect(census.threadsMax).toBe(5)
    expect(census.refused).toBeGreaterThan(5)
    expect(census.remoteFrees).toBeGreaterThan(1000)
    expect(census.wideAlignments).toBeGreaterThan(50)
    expect(census.reallocsToZero).toBeGreaterThan(20)
    expect(totals.ops).toBe(100_000)
    expect(totals.threads).toBeGreaterThan(5)
  })

  it('keeps alignments over a page off requests that may be mapped', () => {
    for (const mmapThreshold of [128 * 1024, 4096]) {
      const text = textOf({ seed: 5, threads: 4, ops: 50_000, profile: 'large', mmapThreshold })
      for (const [, alignment, bytes] of text.matchAll(/^\d+ a \d+ (\d+) (\d+)$/gm)) {
        if (Number(alignment) <= 4096) continue
        expect(isAlignment(Number(alignment))).toBe(true)
        expect(Number(alignment) + Number(bytes) + 64).toBeLessThan(mmapThreshold)
      }
    }
  })
})

const loosely = (word: string): string | number => (/^\d+$/.test(word) ? toDouble(word) : word)

/** A decimal, rounded towards zero. */
function toDouble(word: string): number {
  const exact = BigInt(word)
  const dropped = BigInt(Math.max(0, exact.toString(2).length - 53))
  return Number((exact >> dropped) << dropped)
}

interface Census {
  letters: Set<string>
  liveBytesMax: number
  threadsMax: number
  refused: number
  remoteFrees: number
  wideAlignments: number
  reallocsToZero: number
}

/** Counts what a trace does, from its lines alone. */
function takeCensus(chunks: Trace['chunks']): Census {
  const census: Census = {
    letters: new Set(),
    liveBytesMax: 0,
    threadsMax: 1,
    refused: 0,
    remoteFrees: 0,
    wideAlignments: 0,
    reallocsToZero: 0,
  }
  const blocks = new Map<string, { bytes: number; thread: string }>()
  const threads = new Set(['0'])
  let live = 0
  for (const line of linesOf({ chunks } as Trace)) {
    const [thread = '', op = 'k', block = '', a = '0', b = '0'] = line.split(' ')
    census.letters.add(op)
    if (op === 'k') continue
    threads.add(thread)
    census.threadsMax = Math.max(census.threadsMax, threads.size)
    if (op === 'x') threads.delete(thread)
    const asked = op === 'c' ? Number(a) * Number(b) : Number(op === 'a' ? b : a)
    const before = blocks.get(block)
    if ('mcar'.includes(op)) {
      if (asked >= 2 ** 48) census.refused++
      if (op === 'a' && Number(a) > 4096) census.wideAlignments++
      if (op === 'r' && asked === 0) census.reallocsToZero++
      const bytes = asked < 2 ** 48 ? asked : (before?.bytes ?? 0)
      live += bytes - (before?.bytes ?? 0)
      blocks.set(block, { bytes, thread: before?.thread ?? thread })
    } else if (op === 'f') {
      live -= before?.bytes ?? 0
      if (before?.thread !== thread) census.remoteFrees++
      blocks.delete(block)
    }
    census.liveBytesMax = Math.max(census.liveBytesMax, live)
  }
  return census
}
