/** Worker entries are always `dist/*.js`: build them before the first test. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export default function buildDist(): void {
  if (process.env['ARENA_LAB_DIST'] === 'ready') return
  const root = fileURLToPath(new URL('..', import.meta.url))
  execFileSync(process.execPath, ['build.mjs'], { cwd: root, stdio: 'inherit' })
}
