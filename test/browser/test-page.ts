/** A page for tests of the server alone, which need none that was built. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const TEXT = `<!doctype html>
<html><head><title>test</title><style>p { color: red }</style></head>
<body><script type="module">console.debug('here')</script></body></html>
`

/** Path of the page. */
export function testPage(): string {
  const path = join(mkdtempSync(join(tmpdir(), 'arena-lab-page-')), 'index.html')
  writeFileSync(path, TEXT)
  return path
}
