/** Which build of dist/ this isolate runs: main thread and workers must agree. */
import { readFileSync } from 'node:fs'

/** `source` where the code runs uncompiled (tests of single units). */
export const buildId: string = readBuildId()

function readBuildId(): string {
  try {
    const text = readFileSync(new URL('../../build-id.json', import.meta.url), 'utf8')
    return (JSON.parse(text) as { buildId: string }).buildId
  } catch {
    return 'source'
  }
}
