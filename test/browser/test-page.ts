/** A page for tests of the server alone, which need none that was built. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../support/temporary-folder.ts'

const TEXT = `<!doctype html>
<html><head><title>test</title><style>p { color: red }</style></head>
<body><script type="module">console.debug('here')</script></body></html>
`

/** Path of the page. */
export function testPage(): string {
  const path = join(temporaryFolder('page'), 'index.html')
  writeFileSync(path, TEXT)
  return path
}
