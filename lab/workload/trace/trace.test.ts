/**
 * The reader is fast because it parses by hand; here it is held against a slow reader that splits
 * lines and knows the rules by heart, on good traces, broken ones and garbage.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { readSlowly } from '../../../test/slow-trace-reader.ts'
import { BadInput } from '../../words/bad-input.ts'
import { linesOf, type Trace } from './chunk.ts'
import { TRACE_HEADER } from './format.ts'
import { generateTrace } from './generate.ts'
import { PROFILE_NAMES } from './profiles.ts'
import { parseTrace, readTrace } from './read.ts'
import { TraceWriter } from './writer.ts'

const folder = mkdtempSync(join(tmpdir(), 'arena-lab-trace-'))
afterAll(() => rmSync(folder, { recursive: true }))

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const parse = (...lines: string[]): Trace =>
  parseTrace('t', [bytesOf([TRACE_HEADER, ...lines].join('\n'))])

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
    ['0 a 1 9223372036854775809 100', /power of two/],
    ['0 m 1 18446744073709551616', /below 2\^64/],
    ['0 r 5 0\n0 f 5', /line 4 '0 f 5': block 5 is not live/],
    ['0 m 6 281474976710656\n0 r 6 0', /block 6 is NULL/],
    ['0 c 6 16777216 16777216\n0 r 6 0', /block 6 is NULL/],
    ['0 a 6 281474976710656 1\n0 r 6 0', /block 6 is NULL/],
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

const loosely = (word: string): string | number => (/^\d+$/.test(word) ? toDouble(word) : word)

/** A decimal, rounded towards zero. */
function toDouble(word: string): number {
  const exact = BigInt(word)
  const dropped = BigInt(Math.max(0, exact.toString(2).length - 53))
  return Number((exact >> dropped) << dropped)
}
