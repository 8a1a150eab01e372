/**
 * The trace format: one op a line, in global order. `T` is a thread number, `S` a block number
 * never used twice while live.
 *
 *   T m S N      malloc N                    T f S     free (of a NULL block: free(NULL))
 *   T c S K N    calloc K, N                 T w S     write one byte in every page of the block
 *   T r S N      realloc block S to N        T t N     malloc_trim(N)
 *   T a S A N    memalign(3): A, N           T x       the thread ends by returning
 *   k            checkpoint
 *
 * Blank lines and lines that start with `#` may stand anywhere after the first line, which names
 * the format and its version. Numbers are decimal; fields are parted by spaces or tabs. A line
 * `# phase LABEL` names the checkpoint that follows, for whoever reads about it.
 */
export const TRACE_HEADER = '# arena-lab-trace 1'
/** How a comment begins that names the next checkpoint. */
export const PHASE_COMMENT = '# phase '

/** What a line asks for: `TraceChunk.code`. */
export const TraceOp = {
  MALLOC: 1,
  CALLOC: 2,
  REALLOC: 3,
  MEMALIGN: 4,
  FREE: 5,
  WRITE: 6,
  TRIM: 7,
  EXIT: 8,
  CHECKPOINT: 9,
} as const
export type TraceOp = (typeof TraceOp)[keyof typeof TraceOp]

/** The letter of each op, by code. */
export const TRACE_LETTERS = ' mcrafwtxk'

/** Thread numbers are below it: machines keep a row for each. */
export const TRACE_THREADS_MAX = 2 ** 20
/** Block numbers are below it. Live blocks at once are bounded by memory alone. */
export const TRACE_BLOCKS_MAX = 2 ** 31 - 1
/** Largest size that is meant to be got. */
const GRANTED_MAX = 2 ** 30
/** Smallest size that is meant to be refused. In between the outcome is the host's. */
const REFUSED_MIN = 2 ** 48
/** Sizes are 64-bit. Held as Float64, rounded towards zero above 2^53: all of those are refused. */
export const SIZE_END = 2 ** 64

/** True where malloc of so many bytes gives NULL on every host. */
export const isRefused = (bytes: number): boolean => bytes >= REFUSED_MIN
/** True where the outcome is the host's, so that a trace may not ask for it. */
export const isUncertain = (bytes: number): boolean => bytes > GRANTED_MAX && bytes < REFUSED_MIN

/** Whole powers of two from 1 to 2^63. */
export function isAlignment(value: number): boolean {
  let rest = value
  while (rest > 2 ** 30) rest /= 2 ** 30
  return Number.isInteger(rest) && rest > 0 && (rest & (rest - 1)) === 0
}
