/** What lies in the channels: contents on their way, which no cell holds. Read at safepoints. */
import { Cell } from '../words/cells.ts'
import { CELL_WORDS, CHANNEL_HEAD_BYTES, type Control } from '../words/control.ts'
import { BYTES_PER_WORD, roundUp, wordsOfBytes } from '../words/units.ts'

/** Fields of a channel's head that say which slots of its ring are taken: see channel.ts. */
const Head = { FIRST: 1, COUNT: 2 } as const
const LINE_WORDS = 64 / BYTES_PER_WORD

/** Every block on its way through a channel. Any thread; exact only while everybody is parked. */
export function eachChannelCell(
  control: Control,
  visit: (block: number, requestedBytes: number, allocatedBy: number) => void,
): void {
  const { int32, plan } = control
  let head = wordsOfBytes(plan.at.channels)
  for (const capacity of plan.channelCapacities) {
    const ring = head + wordsOfBytes(CHANNEL_HEAD_BYTES)
    const first = int32[head + Head.FIRST]!
    const count = Math.min(int32[head + Head.COUNT]!, capacity)
    for (let place = 0; place < count; place++) {
      const slot = ring + ((first + place) % capacity) * CELL_WORDS
      const block = int32[slot + Cell.BLOCK]!
      if (block <= 0) continue
      visit(block, int32[slot + Cell.REQUESTED]!, int32[slot + Cell.ALLOCATED_BY]!)
    }
    head = ring + roundUp(capacity * CELL_WORDS, LINE_WORDS)
  }
}
