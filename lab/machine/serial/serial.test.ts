/**
 * Goal: the serial machine carries a trace out in its order, the same each time and in any pieces.
 */
import { describe, expect, it } from 'vitest'
import { resolveTunables } from '../../../allocators/parse-tunables.ts'
import { designs } from '../../../allocators/registry.ts'
import { GIB } from '../../words/units.ts'
import { generateTrace } from '../../workload/trace/generate.ts'
import { parseTrace } from '../../workload/trace/read.ts'
import { placementLines } from '../placements.ts'
import { SerialMachine, type SerialOptions } from './serial-machine.ts'

function machineOf(name: string, options: Partial<SerialOptions> = {}): SerialMachine {
  const design = designs[name]!
  return new SerialMachine(design, resolveTunables(design.tunables, []), {
    cores: 2,
    heapBytes: GIB,
    threadsMax: 32,
    placements: true,
    leaveUncertain: false,
    ...options,
  })
}

const random = (seed: number, threads: number, ops: number) =>
  parseTrace(
    'random',
    generateTrace({ seed, threads, ops, profile: 'churn', liveBytesMax: 2 ** 26 }),
  )
const written = (...lines: string[]) =>
  parseTrace('written', [new TextEncoder().encode(`# arena-lab-trace 1\n${lines.join('\n')}\n`)])

function linesOf(machine: SerialMachine, { chunks }: ReturnType<typeof random>): string[] {
  for (const chunk of chunks) machine.carryOut(chunk)
  return [...placementLines(machine.take())]
}

describe.each(['glibc', 'ptmalloc2', 'tcmalloc'])('serial machine, %s', (name) => {
  it('a heap buffer that another machine has used gives the same records', () => {
    const trace = random(3, 8, 20_000)
    const first = machineOf(name)
    const lines = linesOf(first, trace)
    first.release()
    expect(lines.length).toBeGreaterThan(8000)
    const second = machineOf(name)
    expect(second.process.words).toBe(first.process.words)
    expect(linesOf(second, trace)).toEqual(lines)
    second.release()
  })

  it('one op at a time gives the same records as all at once', () => {
    const trace = random(4, 4, 3000)
    const whole = linesOf(machineOf(name), trace)
    const machine = machineOf(name)
    const pieces: string[] = []
    for (const chunk of trace.chunks) {
      for (let i = 0; i < chunk.length; i++) {
        machine.carryOut(chunk, i, i + 1)
        pieces.push(...placementLines(machine.take()))
      }
    }
    expect(pieces).toEqual(whole)
    expect(machine.ops).toBe(3000)
  })

  it('without placements the end state is the same', () => {
    const trace = random(5, 4, 5000)
    const seen = machineOf(name)
    linesOf(seen, trace)
    const unseen = machineOf(name, { placements: false })
    expect(linesOf(unseen, trace)).toEqual([])
    expect(unseen.process.space.figures()).toEqual(seen.process.space.figures())
  })
})

describe('serial machine', () => {
  it('failed requests print 0 and leave the block; realloc to 0 frees', () => {
    const lines = linesOf(
      machineOf('glibc'),
      written(
        '0 m 0 100',
        `0 r 0 ${2 ** 50}`,
        '0 r 0 90',
        '0 r 0 0',
        '0 m 1 100',
        `0 m 2 ${2 ** 60}`,
      ),
    )
    expect(lines).toEqual(['M 672', '0', 'M 672', '0', 'M 672', '0'])
  })

  it('thread numbers start new threads once theirs has ended, and threads are limited', () => {
    const trace = written('7 m 0 24', '7 x', '7 m 1 24', '7 x', '8 m 2 24')
    const machine = machineOf('glibc', { threadsMax: 2 })
    expect(linesOf(machine, trace)).toHaveLength(3)
    const crowd = written('1 m 0 24', '2 m 1 24')
    expect(() => linesOf(machineOf('glibc', { threadsMax: 2 }), crowd)).toThrow(/more than 2/)
  })

  it('the arenas of a checkpoint are those that have placed something', () => {
    const machine = machineOf('glibc')
    const lines = linesOf(machine, written('1 m 0 24', '1 w 0', 'k', '2 m 1 24', 'k'))
    const rss = lines.filter((line) => line.startsWith('k')).map((line) => line.split('# rss ')[1])
    // A new arena: its state, the thread's cache and the first block share the first page.
    expect(Number(rss[1]) - Number(rss[0])).toBe(4096)
  })

  it('what tcmalloc’s checkpoints carry follows the common figures', () => {
    const machine = machineOf('tcmalloc')
    expect(machine.figures().length).toBeGreaterThan(14)
    expect(machineOf('glibc').figures()).toHaveLength(14)
  })
})
