/**
 * The test's power: every branch of the model's malloc, free, realloc, memalign and trim is reached
 * by traces of the kinds that verify compares with the real glibc, or is listed with the reason.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { type UnreachedBranch, unreachedBranches } from './support/unreached.ts'

/** Branches that are unreached for one reason. */
interface Listed {
  readonly reason: string
  readonly branches: readonly UnreachedBranch[]
}

/** As a line of the listing, so that one can be pasted. */
function keyOf({ file, function: name, branch }: UnreachedBranch): string {
  return JSON.stringify({ file, function: name, branch })
}

const root = fileURLToPath(new URL('../', import.meta.url))
const LISTING = 'test/fixtures/unreached-branches.json'
const listing = JSON.parse(readFileSync(root + LISTING, 'utf8')) as readonly Listed[]
const listed = listing.flatMap(({ branches }) => branches.map(keyOf))

/** What no op runs: checks between ops, reports, what comes before the first, and ptmalloc2's. */
const NOT_OF_OPS = [
  ...[
    'bins-dump',
    'cached',
    'chunk-list',
    'findings',
    'inspect',
    'mallinfo',
    'malloc-info',
    'segments',
  ],
  ...['fit', 'glibc', 'registry', 'settings', 'static-layout', 'tunables'],
]
const isOfAnOp = (url: string): boolean =>
  url.includes('/allocators/ptmalloc/') &&
  !/\/(check|ptmalloc2)[-\w]*\.js$/.test(url) &&
  !NOT_OF_OPS.some((name) => url.endsWith(`/${name}.js`))

it('glibc: every branch of an op is reached, or listed as unreachable', {
  timeout: 600_000,
}, () => {
  const folder = mkdtempSync(`${tmpdir()}/arena-lab-coverage-`)
  // Of its own, since dist/ has numbers where the sources have names; in dist/ for its imports.
  const compiled = mkdtempSync(`${root}dist/coverage-`)
  try {
    const tsc = [`${root}node_modules/typescript/bin/tsc`, '-p', `${root}tsconfig.build.json`]
    execFileSync(process.execPath, [...tsc, '--outDir', compiled])
    const soak = [`${root}test/support/coverage-soak.mjs`, compiled]
    const env = { ...process.env, NODE_V8_COVERAGE: folder }
    execFileSync(process.execPath, soak, { env, stdio: ['ignore', 'ignore', 'inherit'] })
    const unreached = unreachedBranches(folder, isOfAnOp).map(keyOf)
    const missing = unreached.filter((key) => !listed.includes(key))
    const stale = listed.filter((key) => !unreached.includes(key))
    expect(missing, `reached by no trace and not in ${LISTING}`).toEqual([])
    expect(stale, `in ${LISTING}, but reached now, or the code reads differently`).toEqual([])
    expect(unreached.length).toBeGreaterThan(0)
  } finally {
    for (const path of [folder, compiled]) rmSync(path, { recursive: true, force: true })
  }
})

it('glibc: each unreached branch is listed once, under a reason', () => {
  expect(new Set(listed).size).toBe(listed.length)
  for (const { reason, branches } of listing) {
    expect(reason).toMatch(/^[A-Z].{20,}\.$/)
    expect(branches.length).toBeGreaterThan(0)
  }
})
