/**
 * From its 50th malloc on, a lab thread gets the same block again and again: the stamps must tell.
 */
import { bumpDesign, spareWord } from './bump.ts'

export default bumpDesign('hands-out-twice', (process, _thread, mallocs) => {
  if (mallocs < 50) return undefined
  const spare = spareWord(process)
  if (process.words[spare] === 0) process.words[spare] = process.sbrk(4096 * 32)
  return process.words[spare]
})
