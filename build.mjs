// Builds dist/: the TypeScript by tsc, its constants written as literals and its functions bound
// where they are called, the designs as WebAssembly, then the dashboard's one-file page by vite.
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'

const root = import.meta.dirname
const run = (tool, ...args) =>
  execFileSync(process.execPath, [`${root}/node_modules/${tool}`, ...args], {
    cwd: root,
    stdio: 'inherit',
  })

run('typescript/bin/tsc', '-p', 'tsconfig.build.json')
run('../build-privates.mjs', 'dist')
run('../build-constants.mjs', 'dist')
run('../build-functions.mjs', 'dist')
run('../build-indices.mjs', 'dist')
run('../lab/machine/compiled/compiler/build.mjs', 'dist')
run('vite/bin/vite.js', 'build', 'dashboard/web', '--logLevel', 'warn')
// Main thread and workers compare this at start, so that a stale dist/ is noticed, not puzzled
// over.
writeFileSync(`${root}/dist/build-id.json`, `${JSON.stringify({ buildId: randomUUID() })}\n`)
