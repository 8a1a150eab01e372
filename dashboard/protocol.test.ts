/** What goes over the wire comes out as it went in. */
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import type { Sample } from '../lab/metrics/types.ts'
import { fakeRun, LARGE, SEEDSERVICE } from '../test/browser/fake-run.ts'
import {
  ClientMessage,
  decodeFrame,
  encodeJson,
  encodeMatrix,
  encodeSample,
  FrameKind,
  NameTable,
} from './protocol.ts'

const run = fakeRun(SEEDSERVICE)
const samples = run.lines[0]!.filter((line): line is Sample => line.type === 'sample')

describe('protocol: samples', () => {
  it('every sample of a run is decoded to what was encoded, its matrix left out', () => {
    const sent = new NameTable()
    const received = new NameTable()
    for (const [sequence, sample] of samples.entries()) {
      const known = sent.size
      const frame = encodeSample(1, sequence, sample, sent)
      received.add(sent.since(known))
      const { matrix: _, ...expected } = sample
      expect(decodeFrame(frame.buffer, () => received)).toEqual({
        kind: FrameKind.SAMPLE,
        variant: 1,
        sequence,
        body: expected,
      })
    }
  })

  it('a name goes over the wire once', () => {
    const names = new NameTable()
    for (const sample of samples) encodeSample(0, 0, sample, names)
    const all = names.since(0).names
    expect(new Set(all).size).toBe(all.length)
    expect(all).toContain('arena 15')
  })

  it('64 arenas, 65 locks and 128 threads are 14 KB', () => {
    const large = fakeRun({ ...LARGE, days: 1, daySeconds: 0.1 }).lines[0]![0] as Sample
    expect(large.threads.length).toBe(128)
    const bytes = encodeSample(0, 0, large, new NameTable()).byteLength
    expect(bytes).toBeLessThan(14 * 1024)
    expect(JSON.stringify({ ...large, matrix: undefined }).length).toBeGreaterThan(2 * bytes)
  })
})

describe('protocol: other frames', () => {
  it('a matrix keeps its cells; counts beyond 32 bits are held at the largest', () => {
    const frame = encodeMatrix(2, 7, 5e9, [
      [1, 2 ** 40],
      [3, 4],
    ])
    expect(decodeFrame(frame.buffer, () => new NameTable())).toEqual({
      kind: FrameKind.MATRIX,
      variant: 2,
      sequence: 7,
      body: { t: 5e9, seats: 2, blocks: new Uint32Array([1, 2 ** 32 - 1, 3, 4]) },
    })
  })

  it('a description with any text is decoded to what was encoded', () => {
    const description = { ...run.description, scenario: 'größer </script> 日本' }
    const frame = encodeJson(FrameKind.DESCRIBE, 0, 1, 0, description)
    expect(decodeFrame(frame.buffer, () => new NameTable()).body).toEqual(description)
  })

  it('names that come twice, or with a gap before them, are not entered', () => {
    const names = new NameTable()
    names.add({ from: 0, names: ['a', 'b'] })
    names.add({ from: 0, names: ['a', 'b'] })
    names.add({ from: 5, names: ['z'] })
    expect(names.since(0).names).toEqual(['a', 'b'])
    expect(names.name(9)).toBe('?')
  })

  it('a frame of another version is refused with what to do', () => {
    const frame = encodeJson(FrameKind.STATUS, 0, 0, 0, { control: true, skipped: 0, notice: '' })
    frame[0] = 9
    expect(() => decodeFrame(frame.buffer, () => new NameTable())).toThrow('version 9')
  })
})

describe('protocol: messages of a page', () => {
  it.each([
    { type: 'watch', on: true },
    { type: 'steer', action: 'pause' },
  ])('%j is taken', (message) => {
    expect(v.safeParse(ClientMessage, message).success).toBe(true)
  })

  it.each([
    null,
    [],
    'watch',
    {},
    { type: 'watch' },
    { type: 'watch', on: 1 },
    { type: 'watch', on: true, more: 1 },
    { type: 'steer', action: 'explode' },
    { type: '__proto__' },
  ])('%j is not', (message) => {
    expect(v.safeParse(ClientMessage, message).success).toBe(false)
  })
})
