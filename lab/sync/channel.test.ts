/**
 * Channels against a plain list, in one isolate. The run is ending, so nothing blocks: a full
 * channel refuses, an empty one gives nothing. Waiting is tested on real workers, in test/sync.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Cell } from '../words/cells.ts'
import { CELL_WORDS, ControlWord, createControl, RunState } from '../words/control.ts'
import { Channels } from './channel.ts'
import { Parking } from './pause.ts'

/** Cells 0 to 2 are private, 3 to 5 shared. */
const CELLS = 6
const PRIVATE = 3
const CAPACITIES = [3, 1]

type Content = readonly [block: number, requested: number, allocatedBy: number, stamp: number]
const EMPTY: Content = [0, 0, 0, 0]

function setUp(): { channels: Channels; cells: Int32Array } {
  const control = createControl({
    seats: 1,
    heapBytes: 4096,
    mappingsMax: 16,
    locksMax: 4,
    cellsPerSeat: PRIVATE,
    tableCells: CELLS - PRIVATE,
    channelCapacities: CAPACITIES,
    barriers: 0,
    runQueueSlots: 1,
    logEntries: 16,
  })
  control.words[ControlWord.STATE] = RunState.ENDING
  const self = { seat: 0, thread: 0, counterBase: 0 }
  return { channels: new Channels(control, new Parking(control, self)), cells: control.cells }
}

const operation = fc.record({
  send: fc.boolean(),
  /** Whether something new is put into an empty cell before it is sent. */
  fill: fc.boolean(),
  channel: fc.nat(CAPACITIES.length - 1),
  cell: fc.nat(CELLS - 1),
})

it('every content sent is received whole, in order, and once', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
      const { channels, cells } = setUp()
      const model: Content[] = new Array<Content>(CELLS).fill(EMPTY)
      const queues: Content[][] = CAPACITIES.map(() => [])
      let made = 0
      for (const { send, fill, channel, cell } of operations) {
        const queue = queues[channel]!
        const at = cell * CELL_WORDS
        if (send) {
          if (fill && model[cell] === EMPTY) {
            made++
            model[cell] = [made, made + 1000, made + 2000, made + 3000]
            cells.set(model[cell]!, at)
          }
          const sends = model[cell]![0] !== 0 && queue.length < CAPACITIES[channel]!
          expect(channels.send(channel, at)).toBe(sends)
          if (sends) queue.push(model[cell]!)
          if (sends) model[cell] = EMPTY
        } else {
          expect(channels.receive(channel, at)).toBe(queue.length > 0)
          const came = queue.shift()
          if (came === undefined) continue
          // What was in the cell takes the place that got free.
          if (model[cell]![0] !== 0) queue.unshift(model[cell]!)
          model[cell] = came
        }
        for (const [place, content] of model.entries()) {
          expect(cells[place * CELL_WORDS + Cell.BLOCK]).toBe(content[0])
          if (content[0] === 0) continue
          const words = cells.subarray(place * CELL_WORDS, (place + 1) * CELL_WORDS)
          expect([...words]).toEqual(content)
        }
      }
    }),
    { numRuns: 300, seed: 5 },
  )
})
