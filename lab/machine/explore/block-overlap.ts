/** At a safepoint: no word may belong to two live blocks, whatever the design believes. */
import type { Violation } from '../../../allocators/contract.ts'
import { eachChannelCell } from '../../sync/channel-content.ts'
import { Cell } from '../../words/cells.ts'
import { CELL_WORDS, type Control } from '../../words/control.ts'
import { byteOfWord, type WordIndex, wordsOfBytes } from '../../words/units.ts'

interface LiveBlock {
  readonly block: number
  readonly end: number
}

/** Any isolate, while every lab thread is at rest. */
export function overlaps(control: Control): Violation[] {
  const live: LiveBlock[] = []
  const add = (block: number, bytes: number): void => {
    if (block > 0) live.push({ block, end: block + Math.max(1, wordsOfBytes(bytes)) })
  }
  const { cells } = control
  for (let at = 0; at < cells.length; at += CELL_WORDS) {
    if (cells[at + Cell.BLOCK] !== 0) add(cells[at + Cell.BLOCK]!, cells[at + Cell.REQUESTED]!)
  }
  eachChannelCell(control, add)
  live.sort((a, b) => a.block - b.block)
  const found: Violation[] = []
  for (let i = 1; i < live.length; i++) {
    const [below, above] = [live[i - 1]!, live[i]!]
    if (below.end <= above.block) continue
    const where = `blocks at 0x${hex(below.block)} and 0x${hex(above.block)}`
    found.push({ invariant: 'no word belongs to two live blocks', where })
  }
  return found
}

const hex = (word: number): string => byteOfWord(word as WordIndex).toString(16)
