/** The history is bounded, evenly spread over the run, and loses nothing that must not be lost. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameRing, type StoredFrame } from './history.ts'

const frame = (sequence: number, bytes = 10, pinned = false): StoredFrame => ({
  sequence,
  bytes: new Uint8Array(bytes),
  pinned,
})

function sequencesOf(ring: FrameRing): number[] {
  const sequences: number[] = []
  for (let next = ring.after(-1); next !== undefined; next = ring.after(next.sequence)) {
    sequences.push(next.sequence)
  }
  return sequences
}

describe('history: ring', () => {
  it('keeps everything while it fits', () => {
    const ring = new FrameRing({ framesMax: 8, bytesMax: 1000 })
    for (let sequence = 0; sequence < 8; sequence++) ring.add(frame(sequence))
    expect(sequencesOf(ring)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  })

  it('is evenly spread when it does not', () => {
    const ring = new FrameRing({ framesMax: 8, bytesMax: 1000 })
    for (let sequence = 0; sequence < 64; sequence++) ring.add(frame(sequence))
    const sequences = sequencesOf(ring)
    const steps = sequences.slice(1).map((sequence, place) => sequence - sequences[place]!)
    expect(new Set(steps).size).toBe(1)
    expect(sequences[0]).toBe(0)
    expect(sequences.at(-1)).toBeGreaterThanOrEqual(48)
  })

  it('pinned frames stay while others go', () => {
    const ring = new FrameRing({ framesMax: 8, bytesMax: 1000 })
    for (let sequence = 0; sequence < 64; sequence++) {
      ring.add(frame(sequence, 10, sequence === 13 || sequence === 37))
    }
    expect(sequencesOf(ring)).toEqual(expect.arrayContaining([13, 37]))
  })

  it('says beforehand whether the next frame is kept', () => {
    const ring = new FrameRing({ framesMax: 4, bytesMax: 1000 })
    for (let sequence = 0; sequence < 40; sequence++) {
      const wanted = ring.wantsNext()
      if (wanted) ring.add(frame(sequence))
      else ring.pass()
      if (!wanted) expect(sequencesOf(ring)).not.toContain(sequence)
    }
    expect(ring.frames).toBeLessThanOrEqual(4)
  })

  it('is within both limits and in order, whatever comes', () => {
    const offered = fc.array(fc.record({ bytes: fc.nat(300), pinned: fc.boolean() }))
    fc.assert(
      fc.property(offered, (frames) => {
        const ring = new FrameRing({ framesMax: 6, bytesMax: 900 })
        for (const [sequence, { bytes, pinned }] of frames.entries()) {
          ring.add(frame(sequence, bytes, pinned))
          expect(ring.frames).toBeLessThanOrEqual(6)
          expect(ring.bytes).toBeLessThanOrEqual(900)
        }
        const sequences = sequencesOf(ring)
        expect(sequences.length).toBe(ring.frames)
        expect([...sequences].sort((a, b) => a - b)).toEqual(sequences)
      }),
    )
  })
})
