/** Reads what the native replayer writes: see placements.ts for the words. */
import { PLACED_SHIFT, Placed, placedKind, type ReplayRecords } from '../placements.ts'

const PAIR_BYTES = 8

/** Takes the replayer's output apart, as it comes. */
export class RecordDecoder {
  /** Bytes of a record whose end has not come yet. */
  #carry: Uint8Array = new Uint8Array(0)

  /** The records that are whole by now. */
  push(bytes: Uint8Array): ReplayRecords {
    const joined = new Uint8Array(this.#carry.length + bytes.length)
    joined.set(this.#carry)
    joined.set(bytes, this.#carry.length)
    const pairs = Math.floor(joined.length / PAIR_BYTES)
    const words = new Int32Array(joined.buffer, 0, 2 * pairs)
    const { records, used } = decode(words)
    this.#carry = joined.slice(used * Int32Array.BYTES_PER_ELEMENT)
    return records
  }

  /** After the last bytes. Throws when they ended in the middle of a record. */
  end(): void {
    if (this.#carry.length > 0) throw new Error('the native replayer’s output ends in a record')
  }
}

function decode(words: Int32Array): { records: ReplayRecords; used: number } {
  const placements = new Int32Array(words.length)
  const checks: Float64Array[] = []
  const dumps: Int32Array[] = []
  let mallocInfo = ''
  let placed = 0
  let at = 0
  while (at < words.length) {
    const word0 = words[at]!
    const word1 = words[at + 1]!
    const kind = placedKind(word0)
    if (kind < Placed.CHECK) {
      placements[placed++] = word0
      placements[placed++] = word1
      at += 2
      continue
    }
    const payload = kind === Placed.TEXT ? 2 * Math.ceil(word1 / PAIR_BYTES) : 2 * word1
    if (at + 2 + payload > words.length) break
    // A copy of its own, so that records outlive the buffer they came in.
    const body = words.slice(at + 2, at + 2 + payload)
    at += 2 + payload
    if (kind === Placed.CHECK) {
      placements[placed++] = Placed.CHECK << PLACED_SHIFT
      placements[placed++] = checks.push(new Float64Array(body.buffer)) - 1
    } else if (kind === Placed.DUMP) {
      dumps.push(body)
    } else {
      mallocInfo = new TextDecoder().decode(new Uint8Array(body.buffer, 0, word1))
    }
  }
  const records = { placements: placements.subarray(0, placed), checks, dumps, mallocInfo }
  return { records, used: at }
}
