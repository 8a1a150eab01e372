/** Which threads use the design: attach and detach, and the table that inspect and check read. */

import { WORD_NULL, type WordIndex } from '../../lab/words/units.ts'
import type { Process, ThreadInfo } from '../contract.ts'
import type { Arena } from './arena-layout.ts'
import { Ptmalloc } from './ptmalloc.ts'
import type { Rules } from './rules.ts'
import type { Settings } from './settings.ts'
import { SEATS_MAX, StaticWord, TlsWord } from './static-layout.ts'

/**
 * The malloc of a thread, in any isolate. On its first attach a thread gets its place in the table;
 * later attaches find its arena and cache in its TLS. Lab thread 0 is the one that ran
 * ptmalloc_init: its arena is the main one.
 */
export function attachThread(
  process: Process,
  settings: Settings,
  rules: Rules,
  thread: ThreadInfo,
): Ptmalloc {
  if (thread.seat >= SEATS_MAX) {
    throw new RangeError(`${rules.name}: seat ${thread.seat} of at most ${SEATS_MAX}`)
  }
  const m = new Ptmalloc(process, settings, rules, thread)
  const { words } = m
  const { tls } = thread
  if (words[tls + TlsWord.ATTACHED] === 0) {
    words[tls + TlsWord.ATTACHED] = 1
    words[tls + TlsWord.THREAD] = thread.thread
    if (thread.thread === 0) {
      words[tls + TlsWord.THREAD_ARENA] = m.main
      m.setStatic(StaticWord.MAIN_THREAD_SEEN, 1)
    }
    m.setStatic(StaticWord.SEATS + thread.seat, tls)
  }
  m.threadArena = words[tls + TlsWord.THREAD_ARENA]! as Arena
  m.tcache = words[tls + TlsWord.TCACHE]! as WordIndex
  m.tcacheShuttingDown = words[tls + TlsWord.TCACHE_SHUTTING_DOWN] !== 0
  return m
}

/** The thread has ended: nothing looks at its TLS any more. */
export function detachThread(m: Ptmalloc): void {
  m.words[m.thread.tls + TlsWord.ATTACHED] = 0
  m.setStatic(StaticWord.SEATS + m.thread.seat, WORD_NULL)
}

/** TLS blocks of the threads attached now, by seat. */
export function attachedThreads(m: Ptmalloc): { seat: number; thread: number; tls: WordIndex }[] {
  const found: { seat: number; thread: number; tls: WordIndex }[] = []
  for (let seat = 0; seat < SEATS_MAX; seat++) {
    const tls = m.static(StaticWord.SEATS + seat) as WordIndex
    if (tls === WORD_NULL) continue
    found.push({ seat, thread: m.words[tls + TlsWord.THREAD]!, tls })
  }
  return found
}
