/** What check found, bounded: a broken heap breaks many invariants at once. */
import { byteOfWord, type WordIndex } from '../../lab/words/units.ts'
import type { Violation } from '../contract.ts'
import type { Ptmalloc } from './ptmalloc.ts'

const FINDINGS_MAX = 100

export class Findings {
  readonly list: Violation[] = []
  readonly #design: string

  constructor(m: Ptmalloc) {
    this.#design = m.rules.name
  }

  /** `arena` is an index in creation order, -1 for none; `found` says what was there instead. */
  add(invariant: string, arena: number, at: number, found: string | number): void {
    if (this.list.length >= FINDINGS_MAX) return
    const who = arena < 0 ? this.#design : arena === 0 ? 'main arena' : `arena ${arena}`
    const where = `${who}, 0x${byteOfWord(at as WordIndex).toString(16)}: ${found}`
    this.list.push({ invariant, where })
  }
}
