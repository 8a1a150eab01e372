/** ptmalloc_init: the static data before the first malloc (both designs). */

import type { WordIndex } from '../../lab/words/units.ts'
import type { Process } from '../contract.ts'
import { initState } from './arena.ts'
import { ArenaWord } from './arena-layout.ts'
import { NO_THREAD, Ptmalloc } from './ptmalloc.ts'
import type { Rules } from './rules.ts'
import type { Settings } from './settings.ts'
import { StaticWord } from './static-layout.ts'

/** Lays out main_arena, the thresholds and the lists. Once, before any thread. */
export function boot(process: Process, settings: Settings, rules: Rules): void {
  const m = new Ptmalloc(process, settings, rules, NO_THREAD)
  const { main, words } = m
  words[main + ArenaWord.LOCK_ID] = process.makeLock(main, 'main arena')
  initState(m, main)
  words[main + ArenaWord.NEXT] = main
  words[main + ArenaWord.ATTACHED_THREADS] = 1
  m.setStatic(StaticWord.MMAP_THRESHOLD, settings.mmapThreshold)
  m.setStatic(StaticWord.TRIM_THRESHOLD, settings.trimThreshold)
  m.setStatic(StaticWord.NARENAS, 1)
  makeLock(m, StaticWord.FREE_LIST_LOCK, StaticWord.FREE_LIST_LOCK_ID, 'free_list_lock')
  makeLock(m, StaticWord.LIST_LOCK, StaticWord.LIST_LOCK_ID, 'list_lock')
}

function makeLock(m: Ptmalloc, word: number, id: number, name: string): void {
  m.setStatic(id, m.process.makeLock((m.statics + word) as WordIndex, name))
}
