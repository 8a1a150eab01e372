/**
 * The page in a real browser: what is drawn is held against the lines that were published, in the
 * tables behind the pictures and in the pixels of the pictures.
 */
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { type Dashboard, startDashboard } from '../../dashboard/server/dashboard.ts'
import type { SafepointSample, Sample } from '../../lab/metrics/types.ts'
import { describeInChromium, startChromium } from './chromium.ts'
import { type FakeRun, fakeRun, SEEDSERVICE } from './fake-run.ts'
import {
  axeViolations,
  dataTable,
  type Opened,
  openPage,
  PATIENCE_MS,
  probe,
  settle,
  showsAll,
  sizeOf,
  tableRows,
  themeColours,
} from './page-driver.ts'
import { publishAll, replay } from './replay.ts'

const MIB = 1024 * 1024
/** Layout of pictures over time: dashboard/web/src/draw/memory-chart.ts. */
const GUTTER = 76
const MARGIN_RIGHT = 14
const CHART_TOP = 18
const CHART_BOTTOM = 30

const VIEWS = ['memory', 'arenas', 'matrix', 'locks', 'speed', 'allocator', 'mapped', 'events']

const run = fakeRun(SEEDSERVICE)

const samplesOf = (of: FakeRun, variant: number): Sample[] =>
  of.lines[variant]!.filter((line): line is Sample => line.type === 'sample')
const marksOf = (of: FakeRun, variant: number): SafepointSample[] =>
  of.lines[variant]!.filter((line): line is SafepointSample => line.type === 'safepoint')

/** The page's texts group thousands with a narrow space and set units off with one. */
const plain = (text: string): string => text.replace(/\u202f/g, ' ')
/** `712 MiB` → 712; fails on anything else. */
function mib(text: string): number {
  const found = /^([\d ]+(?:\.\d+)?) MiB$/.exec(plain(text))
  if (found === null) throw new Error(`not in MiB: ${text}`)
  return Number(found[1]!.replaceAll(' ', ''))
}

let browser: Browser
let dashboard: Dashboard
let opened: Opened

async function open(url: string, colorScheme: 'light' | 'dark' = 'light'): Promise<Opened> {
  opened = await openPage(browser, url, { colorScheme })
  return opened
}

/** Colour at a time and a height of the memory chart of variant `place`. */
async function chartColour(place: number, t: number, bytes: number): Promise<string> {
  const { page } = opened
  const chart = `#memory .panel:nth-child(${place + 1}) canvas`
  const { width, height } = await sizeOf(page, chart)
  const tMax = Math.max(...run.lines.map((lines) => lines.at(-1)!.t))
  const limit = run.description.limits['memoryLimit'] ?? 0
  let top = limit
  for (const lines of run.lines) {
    for (const line of lines) if (line.type !== 'event') top = Math.max(top, line.rss)
  }
  const x = GUTTER + (t / tMax) * (width - GUTTER - MARGIN_RIGHT)
  const plot = height - CHART_TOP - CHART_BOTTOM
  return (await probe(page, chart, [[x, CHART_TOP + plot * (1 - bytes / (top * 1.06))]]))[0]!
}

describeInChromium('dashboard in Chromium: a run that has ended', () => {
  beforeAll(async () => {
    browser = await startChromium()
    dashboard = await startDashboard({ port: 0, control: false })
    publishAll(dashboard, run)
    await open(dashboard.url)
    await showsAll(opened.page, run)
  })
  afterAll(async () => {
    await browser?.close()
    await dashboard?.close()
  })

  it('memory: legend and table have the figures of the safepoints', async () => {
    const { page } = opened
    const legend = await tableRows(page, '[data-readout="memory"]')
    for (const variant of [0, 1]) {
      const { anatomy } = marksOf(run, variant).at(-1)!
      const shown = (label: string): string => legend.find((row) => row[0] === label)![variant + 1]!
      expect(mib(shown('Live'))).toBeCloseTo(anatomy.live / MIB, -1)
      expect(mib(shown('Pinned free'))).toBeCloseTo(anatomy.pinnedFree / MIB, -1)
      expect(mib(shown('RSS'))).toBeCloseTo(anatomy.rss / MIB, -1)
    }
    const rows = await dataTable(page, 'memory')
    const marks = run.lines.flatMap((_, variant) => marksOf(run, variant))
    expect(rows.length).toBe(marks.length + 1)
    for (const [place, mark] of marks.entries()) {
      expect(mib(rows[place + 1]![3]!)).toBeCloseTo(mark.rss / MIB, -1)
    }
  })

  it('memory: the stack is drawn where the figures are', async () => {
    const { page } = opened
    const [live, pinned, surface] = await themeColours(page, ['live', 'pinnedFree', 'surface'])
    const ticks = marksOf(run, 0).filter(({ reason }) => reason === 'tick')
    const mark = ticks.reduce((a, b) => (b.anatomy.freeInBins > a.anatomy.freeInBins ? b : a))
    const { anatomy } = mark
    const middleOfPinned = anatomy.rss - anatomy.pinnedFree / 2
    const middleOfTop = anatomy.rss - anatomy.pinnedFree - anatomy.freeTop / 2
    const middleOfBins = middleOfTop - anatomy.freeTop / 2 - anatomy.freeInBins / 2
    const [top, bins] = await themeColours(page, ['freeTop', 'freeInBins'])
    expect(await chartColour(0, mark.t, anatomy.live / 2)).toBe(live)
    expect(await chartColour(0, mark.t, middleOfBins)).toBe(bins)
    expect(await chartColour(0, mark.t, middleOfTop)).toBe(top)
    // Hatched: its own colour, or one mixed with the background; never what lies around it.
    const hatched = await chartColour(0, mark.t, middleOfPinned)
    expect(hatched).not.toBe('none')
    expect([live, top, bins, surface]).not.toContain(hatched)
    expect(Number.parseInt(hatched.slice(1, 3), 16)).toBeGreaterThanOrEqual(
      Number.parseInt(pinned!.slice(1, 3), 16) - 2,
    )
    expect(await chartColour(0, mark.t, anatomy.rss * 1.05)).toBe('none')
  })

  it('memory: the OOM kill and the limit are marked in the colour of alarm', async () => {
    const { page } = opened
    const [alarm] = await themeColours(page, ['alarm'])
    const kill = marksOf(run, 0).at(-1)!
    expect(kill.reason).toBe('oom')
    expect(await chartColour(0, kill.t, 100 * MIB)).toBe(alarm)
    expect(await chartColour(1, kill.t, 100 * MIB)).not.toBe(alarm)
    expect(await chartColour(1, 10.55e9, run.description.limits['memoryLimit']!)).toBe(alarm)
  })

  it('memory: address space is drawn when asked for, on a scale that holds it', async () => {
    const { page } = opened
    const [alarm] = await themeColours(page, ['alarm'])
    const limit = run.description.limits['memoryLimit']!
    const box = page.getByLabel('VmSize')
    expect(await box.isChecked()).toBe(false)
    await box.check()
    await settle(page)
    expect(await chartColour(1, 10.55e9, limit)).not.toBe(alarm)
    const largest = Math.max(...samplesOf(run, 0).map(({ vmSize }) => vmSize))
    expect(await chartColour(1, 10.55e9, (limit * limit) / largest)).toBe(alarm)
    await box.uncheck()
    await settle(page)
    expect(await chartColour(1, 10.55e9, limit)).toBe(alarm)
  })

  it('arenas: strips and table show the last sample', async () => {
    const { page } = opened
    const rows = await dataTable(page, 'arenas')
    const last = samplesOf(run, 0).at(-1)!
    expect(rows.length).toBe(1 + 16 + 1)
    for (const [place, arena] of last.arenas.entries()) {
      const row = rows[place + 1]!
      expect(row[0]).toBe(arena.name)
      expect(mib(row[2]!)).toBeCloseTo(arena.resident / MIB, -1)
      expect(Number(row[8])).toBe(arena.attachedThreads)
    }
    await page.getByLabel('bytes by cause').check()
    await settle(page)
    const [live] = await themeColours(page, ['live'])
    const canvas = '#arenas .panel:nth-child(2) canvas'
    const [inside, beyond] = await probe(page, canvas, [
      [GUTTER + 20, 11],
      [GUTTER + 20, 33],
    ])
    expect(inside).toBe(live)
    expect(beyond).toBe('none')
  })

  it('matrix: the janitor’s row is dark, the table says how many blocks', async () => {
    const { page } = opened
    const matrix = samplesOf(run, 1).findLast((sample) => sample.matrix !== undefined)!.matrix!
    const rows = (await dataTable(page, 'matrix')).filter((row) => row[2] === 'glibc:arena_max=1')
    const largest = Math.max(...matrix.flat())
    expect(rows[0]![0]).toBe('thread 17')
    expect(Number(plain(rows[0]![3]!).replaceAll(' ', ''))).toBe(largest)
    let remote = 0
    let all = 0
    for (const [freeing, row] of matrix.entries()) {
      for (const [allocating, blocks] of row.entries()) {
        all += blocks
        if (freeing !== allocating) remote += blocks
      }
    }
    const readout = await page.textContent('#matrix .panel:nth-child(2) [data-readout="matrix"]')
    expect(plain(readout!)).toBe(`${Math.round((100 * remote) / all)} % of all frees are remote`)
  })

  it('locks: the one arena’s lock is the first, with its wait', async () => {
    const { page } = opened
    const rows = (await dataTable(page, 'locks')).filter((row) => row[1] === 'glibc:arena_max=1')
    const lock = samplesOf(run, 1).at(-1)!.locks[0]!
    expect(rows[0]![0]).toBe('main arena')
    expect(Number.parseFloat(rows[0]![5]!)).toBeCloseTo(lock.waitNs / 1e9, 0)
    const canvas = '#locks .panel:nth-child(2) canvas'
    const [busy, none] = await probe(page, canvas, [
      [GUTTER + 40, 8],
      [GUTTER + 40, 100],
    ])
    expect(busy).not.toBe('none')
    expect(none).toBe('none')
  })

  it('keyboard: time, arenas and matrix are walked without a mouse', async () => {
    const { page } = opened
    // What earlier clicks opened may have moved a picture under the pointer.
    await page.mouse.move(0, 0)
    await page.focus('[data-picture="memory"]')
    await page.keyboard.press('Home')
    await page.keyboard.press('Shift+ArrowRight')
    await page.keyboard.press('Shift+ArrowRight')
    await settle(page)
    const at = Number.parseFloat((await page.textContent('.moment'))!)
    expect(at).toBeCloseTo(0.2 * (run.lines[1]!.at(-1)!.t / 1e9), 1)
    const legend = await tableRows(page, '[data-readout="memory"]')
    const sample = samplesOf(run, 0).findLast(({ t }) => t <= at * 1e9 + 1e6)!
    expect(mib(legend.find((row) => row[0] === 'RSS')![1]!)).toBeCloseTo(sample.rss / MIB, -1)
    await page.keyboard.press('Escape')
    await page.getByLabel('bytes by cause').check()
    await page.focus('#arenas .panel:nth-child(1) .canvas-box')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    await settle(page)
    expect(await page.textContent('[data-readout="arenas"]')).toMatch(/^arena 1: /)
    await page.focus('#matrix .panel:nth-child(1) .canvas-box')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    await settle(page)
    expect(await page.textContent('[data-readout="matrix"]')).toBe(
      'thread 0 freed 0 blocks that thread 1 had allocated',
    )
  })

  it('axe-core finds nothing in either theme, all tables open', async () => {
    const { page } = opened
    for (const view of VIEWS) await dataTable(page, view)
    for (const theme of ['light', 'dark']) {
      await page.getByRole('button', { name: /^Theme/ }).click()
      await settle(page)
      expect(await page.getAttribute('html', 'data-theme')).toBe(theme)
      expect(await axeViolations(page), theme).toEqual([])
    }
  })
})

describeInChromium('dashboard in Chromium', () => {
  beforeAll(async () => {
    browser = await startChromium()
  })
  afterAll(() => browser?.close())
  beforeEach(async () => {
    dashboard = await startDashboard({ port: 0, control: false })
  })
  afterEach(async () => {
    await opened?.page.context().close()
    await dashboard.close()
  })

  it('a page that joins late shows what every variant came to', async () => {
    publishAll(dashboard, run)
    const { page, problems } = await open(dashboard.url)
    await showsAll(page, run)
    const badges = await page.$$eval('.badge', (badges) => badges.map((b) => b.textContent))
    expect(badges[0]).toMatch(/^OOM-killed after day \d$/)
    expect(badges[1]).toBe('completed')
    const headline = plain((await page.textContent('.card:nth-child(1) .headline'))!)
    const last = samplesOf(run, 0).at(-1)!
    expect(headline).toContain(`${Math.round(last.rss / MIB)} MiB resident for`)
    expect(new URL(page.url()).search).toBe('')
    expect(problems).toEqual([])
  })

  it('live: figures and pictures follow what is published', async () => {
    dashboard.describe(run.description)
    const { page, problems } = await open(dashboard.url)
    await page.waitForSelector('.card')
    expect(await page.textContent('.badge')).toBe('waiting')
    const lines = run.lines[0]!
    const half = Math.floor(lines.length / 2)
    const shown = async (): Promise<number> => {
      const legend = await tableRows(page, '[data-readout="memory"]')
      return mib(legend.find((row) => row[0] === 'RSS')?.[1] ?? '0 MiB')
    }
    const rss = (end: number): number =>
      samplesOf({ ...run, lines: [lines.slice(0, end)] }, 0).at(-1)!.rss / MIB
    for (const [start, end] of [
      [0, half],
      [half, lines.length],
    ] as const) {
      for (const line of lines.slice(start, end)) dashboard.publish(0, line)
      await expect.poll(shown, { timeout: PATIENCE_MS }).toBeCloseTo(rss(end), -1)
      expect(await page.textContent('.badge')).toMatch(/^running · day \d$/)
    }
    expect(rss(lines.length)).toBeGreaterThan(rss(half) * 1.2)
    expect(problems).toEqual([])
  })

  it('live: a new run replaces the old one, pictures and all', async () => {
    publishAll(dashboard, run)
    const { page, problems } = await open(dashboard.url)
    await page.waitForSelector('.badge.bad')
    const one = fakeRun({ ...SEEDSERVICE, variants: [{ label: 'ptmalloc2', arenas: 3 }], days: 2 })
    publishAll(dashboard, one)
    await showsAll(page, one)
    expect(await page.textContent('.card h2')).toBe('ptmalloc2')
    expect((await dataTable(page, 'arenas')).length).toBe(4)
    expect(await page.locator('#memory canvas').count()).toBe(1)
    expect(problems).toEqual([])
  })

  it('live: a run replayed 20 times as fast ends where it ended', async () => {
    dashboard.describe(run.description)
    const { page, problems } = await open(dashboard.url)
    await page.waitForSelector('.card')
    await replay(dashboard, run, 20)
    await showsAll(page, run)
    const rows = await tableRows(page, '[data-readout="memory"]')
    for (const variant of [0, 1]) {
      const shown = rows.find((row) => row[0] === 'RSS')![variant + 1]!
      expect(mib(shown)).toBeCloseTo(samplesOf(run, variant).at(-1)!.rss / MIB, -1)
    }
    expect(problems).toEqual([])
  })

  it('live: a lost connection is said, and what was shown stays', async () => {
    publishAll(dashboard, run)
    const { page } = await open(dashboard.url)
    await page.waitForSelector('.badge.good')
    await dashboard.close()
    await page.waitForSelector('.connection.lost')
    expect(await page.textContent('.card:nth-child(2) .badge')).toBe('completed')
  })

  it('by phase: the same phases of both variants lie below each other', async () => {
    publishAll(dashboard, run)
    const { page } = await open(dashboard.url)
    await showsAll(page, run)
    await page.getByLabel('by phase').check()
    await settle(page)
    expect(await page.textContent('.moment')).toMatch(/^phase /)
    await page.focus('[data-picture="memory"]')
    await page.keyboard.press('Home')
    for (let step = 0; step < 5; step++) await page.keyboard.press('Shift+ArrowRight')
    await settle(page)
    const at = Number.parseFloat((await page.textContent('.moment'))!.replace('phase ', ''))
    const legend = await tableRows(page, '[data-readout="memory"]')
    const expected = samplesOf(run, 1).findLast(({ t }) => t / 3e9 <= at + 1e-6)!
    expect(mib(legend.find((row) => row[0] === 'RSS')![2]!)).toBeCloseTo(expected.rss / MIB, -1)
  })
})
