/** __glibc_morecore: moves the break through libc's own memory of where it is (__curbrk). */
import type { WordIndex } from '../../lab/words/units.ts'
import type { Ptmalloc } from './ptmalloc.ts'
import { StaticWord } from './static-layout.ts'

/**
 * The break before it was moved by `deltaBytes`, or WORD_NULL. Libc asks the kernel where the break
 * is on its first call only; afterwards 0 costs no system call.
 */
export function morecore(m: Ptmalloc, deltaBytes: number): WordIndex {
  if (m.static(StaticWord.BRK_KNOWN) === 0) {
    m.setStatic(StaticWord.BRK_KNOWN, 1)
    m.process.sbrk(0)
  }
  if (deltaBytes === 0) return m.process.currentBrk()
  return m.process.sbrk(deltaBytes)
}
