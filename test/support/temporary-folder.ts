/** Folders of tests: removed when the tests of the file that asked for them have ended. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

const folders: string[] = []
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A new empty folder. `what` is part of its name, for whoever finds one that a kill left over. */
export function temporaryFolder(what: string): string {
  const folder = mkdtempSync(join(tmpdir(), `arena-lab-${what}-`))
  folders.push(folder)
  return folder
}
