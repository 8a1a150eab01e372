/** The build marks sums that index shared words, and only those. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const script = fileURLToPath(new URL('../build-indices.mjs', import.meta.url))

const before = `export const read = (words, p) => words[p + 4] + this.words[p - 2] + words[0]
export const name = (table, p) => table[p + 1] + 'words[p + 1]'
export class Row { #cells; set(i, v) { this.#cells[i + 2 * 3] = v } }
`
const after = `export const read = (words, p) => words[p + 4 | 0] + this.words[p - 2 | 0] + words[0]
export const name = (table, p) => table[p + 1] + 'words[p + 1]'
export class Row { #cells; set(i, v) { this.#cells[i + 2 * 3 | 0] = v } }
`

it('sums that index words become 32-bit integers, other indices stay', () => {
  const folder = mkdtempSync(join(tmpdir(), 'arena-lab-indices-'))
  try {
    const file = join(folder, 'module.js')
    writeFileSync(file, before)
    execFileSync(process.execPath, [script, folder])
    expect(readFileSync(file, 'utf8')).toBe(after)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
