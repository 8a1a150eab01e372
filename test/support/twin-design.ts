/** Builds a twin of a design: its sources with one place changed, as one file that workers load. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import type { PlantedRace } from '../faulty/design-races.ts'
import { temporaryFolder } from './temporary-folder.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Path of the built file. Throws where the place is not found, or found twice. */
export async function buildTwin(race: PlantedRace): Promise<string> {
  const file = join(root, race.file)
  const parts = readFileSync(file, 'utf8').split(race.sound)
  if (parts.length !== 2) {
    throw new Error(`${race.file} has ${parts.length - 1} places for "${race.name}", expected 1`)
  }
  const output = await build({
    configFile: false,
    logLevel: 'silent',
    root,
    build: { write: false, minify: false, ssr: join(root, race.design), target: 'es2023' },
    plugins: [
      {
        name: 'twin',
        enforce: 'pre',
        transform: (_code, id) => (id === file ? parts.join(race.faulty) : undefined),
      },
    ],
  })
  const [bundle] = Array.isArray(output) ? output : [output]
  if (bundle === undefined || !('output' in bundle)) throw new Error('no bundle')
  const built = join(temporaryFolder('twin'), 'twin.mjs')
  writeFileSync(built, bundle.output[0].code)
  return built
}
