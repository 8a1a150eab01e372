/** Which ops `HeapOps` carries out; the others are the machine's. */
import { Op } from '../workload/ops.ts'

const HEAP_OPS: ReadonlySet<number> = new Set([
  Op.MALLOC,
  Op.CALLOC,
  Op.REALLOC,
  Op.MEMALIGN,
  Op.FREE,
  Op.WRITE,
  Op.WRITE_PAGES,
  Op.SWAP,
  Op.MOVE,
  Op.TRIM,
])
export const isHeapOp = (code: number): boolean => HEAP_OPS.has(code)
