/** Where the package lies, and which version it is. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The package's own folder, whether this runs from dist/ or from source. */
const packageRoot: string = findRoot(dirname(fileURLToPath(import.meta.url)))

export const packageVersion: string = readVersion()

/** The dashboard's built one-file page, which the HTML report is made of. */
export const dashboardPage: string = join(packageRoot, 'dist', 'dashboard', 'web', 'index.html')

function findRoot(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder
  const above = dirname(folder)
  if (above === folder) throw new Error('package.json is not above this file')
  return findRoot(above)
}

function readVersion(): string {
  const text = readFileSync(join(packageRoot, 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
