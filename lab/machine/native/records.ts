/** Reads what the native replayer writes: see placements.ts for the words. */
import { PLACED_SHIFT, Placed, placedKind, type ReplayRecords } from '../placements.ts'

const PAIR_BYTES = 8

/** Takes the replayer's output apart. Throws when it ends in the middle of a record. */
export function decodeRecords(output: Uint8Array): ReplayRecords {
  // The parts are read as 32-bit words and doubles, so they must start on a multiple of 8.
  const aligned = output.byteOffset % PAIR_BYTES === 0 ? output : output.slice()
  const { buffer, byteOffset, byteLength } = aligned
  const words = new Int32Array(buffer, byteOffset, Math.floor(byteLength / 4))
  const placements = new Int32Array(words.length)
  const checks: Float64Array[] = []
  const dumps: Int32Array[] = []
  let mallocInfo = ''
  let used = 0
  let at = 0
  while (at + 1 < words.length) {
    const word0 = words[at]!
    const word1 = words[at + 1]!
    const kind = placedKind(word0)
    at += 2
    if (kind < Placed.CHECK) {
      placements[used++] = word0
      placements[used++] = word1
      continue
    }
    const start = byteOffset + at * 4
    const bytes = kind === Placed.TEXT ? Math.ceil(word1 / PAIR_BYTES) * PAIR_BYTES : word1 * 8
    if (at * 4 + bytes > byteLength) break
    at += bytes / 4
    if (kind === Placed.CHECK) {
      placements[used++] = Placed.CHECK << PLACED_SHIFT
      placements[used++] = checks.push(new Float64Array(buffer, start, word1)) - 1
    } else if (kind === Placed.DUMP) {
      dumps.push(new Int32Array(buffer, start, word1 * 2))
    } else {
      mallocInfo = new TextDecoder().decode(new Uint8Array(buffer, start, word1))
    }
  }
  if (at !== words.length) throw new Error('the native replayer’s output ends within a record')
  return { placements: placements.subarray(0, used), checks, dumps, mallocInfo }
}
