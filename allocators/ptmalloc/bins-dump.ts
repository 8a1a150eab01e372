/** An arena's lists as text: what `verify` shows beside a placement that differs. */
import { byteOfWord, bytesOfWords, type WordIndex } from '../../lab/words/units.ts'
import {
  type Arena,
  ArenaWord,
  BINS,
  binAt,
  FASTBINS,
  fastbinAt,
  UNSORTED_BIN,
} from './arena-layout.ts'
import { CHUNK_NONE, type Chunk } from './chunk-layout.ts'
import type { Ptmalloc } from './ptmalloc.ts'

/** Chunks shown per list. */
const SHOWN_MAX = 32

const hex = (word: WordIndex): string => `0x${byteOfWord(word).toString(16)}`

/** Lines of `list: address+size …`, in the order malloc takes from each list. */
export function binsDump(m: Ptmalloc, av: Arena): string {
  const show = (p: Chunk): string => `${hex(p)}+${bytesOfWords(m.size(p))}`
  const lines = [`top: ${show(m.top(av))}, system: ${bytesOfWords(m.systemMem(av))}`]
  const remainder = m.words[av + ArenaWord.LAST_REMAINDER]! as Chunk
  if (remainder !== CHUNK_NONE) lines.push(`last remainder: ${hex(remainder)}`)
  for (let index = 0; index < FASTBINS; index++) {
    const chunks: string[] = []
    let p = m.words[fastbinAt(av, index)]! as Chunk
    for (; p !== CHUNK_NONE && chunks.length < SHOWN_MAX; p = m.fd(p)) chunks.push(show(p))
    if (chunks.length > 0) lines.push(`fast ${index}: ${chunks.join(' ')}`)
  }
  for (let index = 1; index < BINS; index++) {
    const bin = binAt(av, index)
    const chunks: string[] = []
    let p = m.bk(bin)
    for (; p !== bin && chunks.length < SHOWN_MAX; p = m.bk(p)) chunks.push(show(p))
    if (chunks.length === 0) continue
    const more = p === bin ? '' : ' …'
    lines.push(
      `${index === UNSORTED_BIN ? 'unsorted' : `bin ${index}`}: ${chunks.join(' ')}${more}`,
    )
  }
  return `${lines.join('\n')}\n`
}
