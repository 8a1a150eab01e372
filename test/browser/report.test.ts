/** The page from a file, with the run inside: the HTML report, and a run that left no summary. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { RunSummary, SampleLine } from '../../lab/metrics/types.ts'
import type { AskedRun } from '../../lab/report/embedded-run.ts'
import { embedRun } from '../../lab/report/html.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { describeInChromium, startChromium } from './chromium.ts'
import { fakeRun, fakeSummary, SEEDSERVICE } from './fake-run.ts'
import {
  axeViolations,
  dataTable,
  inkOf,
  type Opened,
  openPage,
  settle,
  showsAll,
  sizeOf,
  tableRows,
  themeColours,
} from './page-driver.ts'

const pagePath = fileURLToPath(new URL('../../dist/dashboard/web/index.html', import.meta.url))
const run = fakeRun(SEEDSERVICE)

let browser: Browser
let opened: Opened

/** Opens the page with this in it, from a file. */
async function openFile(
  summary: RunSummary | AskedRun,
  lines: readonly (readonly SampleLine[])[],
  width = 1280,
  eventsLeft: readonly number[] = [],
): Promise<Opened> {
  const path = join(temporaryFolder('report'), 'report.html')
  writeFileSync(path, embedRun(readFileSync(pagePath, 'utf8'), { summary, lines, eventsLeft }))
  opened = await openPage(browser, pathToFileURL(path).href, { width })
  await opened.page.waitForSelector('#memory canvas')
  await settle(opened.page)
  return opened
}

const ended = fakeSummary(run) as unknown as RunSummary
const asked = {
  ...run.description,
  variants: undefined,
  variantsAsked: run.description.variants.map(({ label }) => label),
}

describeInChromium('report in Chromium', () => {
  beforeAll(async () => {
    browser = await startChromium()
  })
  afterAll(() => browser?.close())
  afterEach(() => opened?.page.context().close())

  it('a report shows the run from a file and asks for nothing', async () => {
    const { page, problems, requests } = await openFile(ended, run.lines)
    await showsAll(page, run)
    expect(await page.textContent('.connection')).toBe('report')
    expect((await dataTable(page, 'arenas')).length).toBe(18)
    const [live] = await themeColours(page, ['live'])
    const canvas = '#memory .panel:nth-child(2) canvas'
    const { width, height } = await sizeOf(page, canvas)
    expect(await inkOf(page, canvas, live!, [0, 0, width, height])).toBeGreaterThan(5000)
    expect(requests.filter((url) => !url.startsWith('file:') && !url.startsWith('data:'))).toEqual(
      [],
    )
    expect(problems).toEqual([])
  })

  it('a run that left no summary shows what it wrote, and says so', async () => {
    const { variants: _, ...summary } = asked
    const lines = run.lines.map((all) => all.slice(0, -20))
    const { page, problems } = await openFile(summary as unknown as AskedRun, lines)
    const badges = await page.$$eval('.badge', (badges) => badges.map((b) => b.textContent))
    expect(badges).toEqual(['left no summary', 'left no summary'])
    const legend = await tableRows(page, '[data-readout="memory"]')
    const last = lines[0]!.findLast((line) => line.type === 'sample')!
    const mib = Math.round(last.type === 'sample' ? last.rss / 1024 / 1024 : 0)
    expect(legend.find((row) => row[0] === 'RSS')![1]).toBe(`${mib} MiB`)
    expect(problems).toEqual([])
  })

  it('events that the page leaves out are told', async () => {
    const { page } = await openFile(ended, run.lines, 1280, [1200, 34])
    expect((await page.textContent('#events .filter'))!.replace('\u202f', ' ')).toContain(
      '1 234 more events are only in samples.ndjson',
    )
  })

  it('variants that were never reached are left out, the others keep their own lines', async () => {
    const [, second] = ended.variants
    const summary = { ...ended, variantsAsked: asked.variantsAsked, variants: [second!] }
    const { page } = await openFile(summary, run.lines)
    expect(await page.textContent('.card h2')).toBe('glibc:arena_max=1')
    expect((await dataTable(page, 'arenas')).length).toBe(1 + 1)
  })

  it('a narrow window scrolls nothing sideways, and axe-core finds nothing in it', async () => {
    const { page } = await openFile(ended, run.lines, 400)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(400)
    expect(await axeViolations(page)).toEqual([])
  })

  it('the whole page is one file below 150 KB gzipped', () => {
    const page = readFileSync(pagePath)
    expect(gzipSync(page).byteLength).toBeLessThan(150 * 1000)
    expect(page.toString()).not.toMatch(/<(script|link|img)[^>]+(src|href)="(?!data:)/)
  })
})
