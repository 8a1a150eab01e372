/**
 * Traces as the native replayer reads them: 32-bit words, one record an op, after a header of four
 * words (magic, slots, threads, 0; the counts are hints).
 *
 *   word      0                          1       2, 3            4, 5
 *        ┌────────────────────────────┬───────┬───────────────┬───────────────┐
 *        │ op (8 bits) │ thread << 8  │ slot  │ size, 64 bits │ size, 64 bits │
 *        └────────────────────────────┴───────┴───────────────┴───────────────┘
 *
 * Op codes are those of lab/workload/trace/format.ts; trace.c has the same.
 */
import type { TraceChunk } from '../../workload/trace/chunk.ts'
import { TraceOp } from '../../workload/trace/format.ts'

/** First word: `ALT1`. */
const TRACE_MAGIC = 0x31544c41
/** Words of the longest record: calloc and memalign. */
const RECORD_WORDS_MAX = 6
const TWO_32 = 2 ** 32

export function packHeader(): Uint8Array {
  return new Uint8Array(Int32Array.of(TRACE_MAGIC, 0, 0, 0).buffer)
}

/** A checkpoint of its own. */
export function packCheckpoint(): Uint8Array {
  return new Uint8Array(Int32Array.of(TraceOp.CHECKPOINT, 0).buffer)
}

/** Ops [from, to) of a chunk, without those whose place is in `left`. */
export function packOps(
  chunk: TraceChunk,
  from: number,
  to: number,
  left: readonly number[],
): Uint8Array {
  const words = new Int32Array((to - from) * RECORD_WORDS_MAX)
  const { code, thread, slot, size, extra } = chunk
  let used = 0
  let leftAt = 0
  for (let i = from; i < to; i++) {
    if (left[leftAt] === i) {
      leftAt++
      continue
    }
    const op = code[i]!
    words[used] = op | (thread[i]! << 8)
    words[used + 1] = Math.max(slot[i]!, 0)
    used += 2
    if (op === TraceOp.CALLOC || op === TraceOp.MEMALIGN) used = putSize(words, used, extra[i]!)
    if (hasSize(op)) used = putSize(words, used, size[i]!)
  }
  return new Uint8Array(words.buffer, 0, used * Int32Array.BYTES_PER_ELEMENT)
}

const hasSize = (op: number): boolean => op <= TraceOp.MEMALIGN || op === TraceOp.TRIM

function putSize(words: Int32Array, at: number, value: number): number {
  words[at] = value
  words[at + 1] = value < TWO_32 ? 0 : Math.floor(value / TWO_32)
  return at + 2
}
