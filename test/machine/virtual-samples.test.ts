/** Same seed: samples.ndjson and summary.json are the same to the last byte, times of day aside. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { RunRequest } from '../../lab/session/types.ts'
import { GIB } from '../../lab/words/units.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

type Session = typeof import('../../lab/session/run.ts')

const request = (directory: string): RunRequest => ({
  scenario: 'seedservice',
  variants: ['glibc', 'ptmalloc2', 'tcmalloc'],
  params: [
    { name: 'days', text: '2' },
    { name: 'records', text: '1500' },
  ],
  machine: 'virtual',
  scheduleSeed: 0,
  costs: 'server-2s',
  lines: true,
  limits: {
    memoryLimit: undefined,
    addressSpaceLimit: undefined,
    overcommitMemory: 0,
    overcommitRatio: 50,
    ramBytes: 64 * GIB,
  },
  cores: 6,
  seed: 3,
  seconds: undefined,
  heapBytes: 4 * GIB,
  spinCount: 0,
  drain: false,
  fill: false,
  sampleHz: 1000,
  directory,
  outputs: [],
  thresholds: [],
  command: [],
})

/** What a run writes, without the name of its folder, which holds the time of day. */
async function written(): Promise<{ samples: string; summary: string }> {
  const url = new URL('../../dist/lab/session/run.js', import.meta.url)
  const { runVariants } = (await import(url.href)) as Session
  const directory = temporaryFolder('virtual')
  const { exitCode } = await runVariants(request(directory), {}, new AbortController().signal)
  expect(exitCode).toBe(0)
  const runs = join(directory, '.arena-lab', 'runs')
  const folder = join(runs, readdirSync(runs)[0]!)
  const summary = readFileSync(join(folder, 'summary.json'), 'utf8')
  return {
    samples: readFileSync(join(folder, 'samples.ndjson'), 'utf8'),
    summary: summary.replace(/"folder": "[^"]*"/, ''),
  }
}

it('virtual: two runs with one seed write the same samples and the same summary', async () => {
  const first = await written()
  const second = await written()
  expect(first.samples.length).toBeGreaterThan(20_000)
  expect(second.samples === first.samples).toBe(true)
  expect(second.summary).toBe(first.summary)
})
