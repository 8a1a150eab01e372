/**
 * The views that tell of looks at the heap, in a real browser: what each says and draws is held
 * against the survey that was published.
 */
import { readFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type Dashboard, startDashboard } from '../../dashboard/server/dashboard.ts'
import type { Survey } from '../../lab/metrics/survey-types.ts'
import type { SafepointSample, Sample } from '../../lab/metrics/types.ts'
import { describeInChromium, startChromium } from './chromium.ts'
import { fakeRun, SEEDSERVICE } from './fake-run.ts'
import { BLOCK_BYTES, CHUNKS } from './fake-survey.ts'
import {
  dataTable,
  inkOf,
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
import { publishAll } from './replay.ts'

const MIB = 1024 * 1024
const GUTTER = 76
const run = fakeRun(SEEDSERVICE)
const looks = (variant: number): SafepointSample[] =>
  run.lines[variant]!.filter((line): line is SafepointSample => line.type === 'safepoint')
const lastSurvey = (variant: number): Survey => looks(variant).at(-1)!.survey!
const samples = (variant: number): Sample[] =>
  run.lines[variant]!.filter((line): line is Sample => line.type === 'sample')
const lastSample = (variant: number): Sample => samples(variant).at(-1)!

/** Texts group thousands with a narrow space and set units off with one. */
const plain = (text: string): string => text.replace(/\u202f/g, ' ')
const mib = (bytes: number): string => (bytes / MIB >= 100 ? '' : bytes / MIB >= 10 ? '.0' : '.00')
const shown = (bytes: number): string => {
  const places = mib(bytes).length - 1
  const value = bytes / MIB
  return `${Number.isInteger(value) ? value : value.toFixed(Math.max(places, 0))} MiB`
}

let browser: Browser
let dashboard: Dashboard
/** With all of the run on it: every test looks at the same page, at its end. */
let opened: Opened
let page: Page

async function press(selector: string, ...keys: string[]): Promise<void> {
  await page.focus(selector)
  for (const key of keys) await page.keyboard.press(key)
  await settle(page)
}

const readout = async (view: string, panel: number): Promise<string> =>
  plain((await page.textContent(`#${view} .panel:nth-child(${panel}) [data-readout]`))!)

describeInChromium('dashboard views in Chromium', () => {
  beforeAll(async () => {
    browser = await startChromium()
    dashboard = await startDashboard({ port: 0, control: false })
    publishAll(dashboard, run)
    opened = await openPage(browser, dashboard.url)
    page = opened.page
    await showsAll(page, run)
  })
  afterAll(async () => {
    await browser?.close()
    await dashboard?.close()
  })
  afterEach(async () => {
    await press('[data-picture="memory"]', 'Escape')
    expect(opened.problems).toEqual([])
  })

  it('arenas: cells have the colours of their pages, and keys read them', async () => {
    const canvas = '#arenas .panel:nth-child(1) canvas'
    const [live, pinned, surface] = await themeColours(page, ['live', 'pinnedFree', 'surface'])
    const [first] = await probe(page, canvas, [[GUTTER + 3, 4]])
    expect([live, surface, 'none']).not.toContain(first)
    expect(Number.parseInt(first!.slice(1, 3), 16)).toBeGreaterThan(
      Number.parseInt(pinned!.slice(1, 3), 16) - 3,
    )
    const { width, height } = await sizeOf(page, canvas)
    const blue = await inkOf(page, canvas, live!, [GUTTER, 0, width - GUTTER - 50, height])
    expect(blue).toBeGreaterThan(1000)
    await press('#arenas .panel:nth-child(1) .canvas-box', 'ArrowRight')
    const start = `0x${lastSurvey(0).pages.heaps[0]!.start.toString(16)}`
    expect(await readout('arenas', 1)).toMatch(
      new RegExp(`^main arena, ${start} \\+ 256 KiB: free, resident, under a pin\\. `),
    )
    await press('#arenas .panel:nth-child(1) .canvas-box', 'p')
    expect(await readout('arenas', 1)).toMatch(/: less than half in use, the pin\. /)
    await press('#arenas .panel:nth-child(1) .canvas-box', 'End')
    expect(await readout('arenas', 1)).toMatch(/: never touched\. .* 1 thread$/)
  })

  it('arenas: the pins that keep most are told, with who, when and what for', async () => {
    const rows = await tableRows(page, '[data-readout="pins"]')
    const pins = [0, 1].flatMap((variant) => lastSurvey(variant).pins)
    const most = pins.reduce((a, b) => (b.pinnedBytes > a.pinnedBytes ? b : a))
    expect(rows.length).toBe(1 + 6)
    expect(rows[1]!.map(plain)).toEqual([
      'main arena',
      'glibc:arena_max=1',
      shown(most.pinnedBytes),
      '58 B live',
      'thread 1',
      `after midnight, ${(most.since / 1e9).toFixed(1)} s`,
      'nothing: others follow',
    ])
    await press('[data-picture="memory"]', 'Home')
    const firsts = [0, 1].flatMap((variant) => looks(variant)[0]!.survey!.pins)
    const first = Math.max(...firsts.map(({ pinnedBytes }) => pinnedBytes))
    const back = await tableRows(page, '[data-readout="pins"]')
    expect(plain(back[1]![2]!)).toBe(shown(first))
  })

  it('matrix: in bytes it counts bytes', async () => {
    await page.getByLabel('in bytes').check()
    await settle(page)
    const rows = (await dataTable(page, 'matrix')).filter((row) => row[2] === 'glibc:arena_max=1')
    const largest = Math.max(...lastSample(1).matrix!.flat())
    expect(plain(rows[0]![3]!)).toBe(shown(largest * BLOCK_BYTES))
    expect(await page.textContent('#matrix .view-head + .multiples')).toContain('freed bytes')
  })

  it('waiting: by thread, each has its share of the time', async () => {
    await page.getByLabel('by thread').check()
    await settle(page)
    const rows = (await dataTable(page, 'locks')).filter((row) => row[1] === 'glibc:arena_max=1')
    expect(rows.length).toBe(SEEDSERVICE.threads + 2)
    const { threads, t } = lastSample(1)
    const waited = Math.max(...threads.map(({ lockWaitNs }) => lockWaitNs))
    expect(plain(rows[0]![3]!)).toBe(`${Math.round((100 * Math.min(waited, t)) / t)} %`)
    const canvas = '#locks .panel:nth-child(2) canvas'
    const [busy] = await probe(page, canvas, [[GUTTER + 40, 6]])
    expect(busy).not.toBe('none')
  })

  it('speed: figures are those of the samples and looks, and lines are drawn', async () => {
    const rows = await tableRows(page, '[data-readout="speed"]')
    const { malloc, free } = lastSurvey(1).latency
    expect(rows[2]!.map(plain).slice(2, 8)).toEqual([
      `${malloc.p50} ns`,
      `${(malloc.p99 / 1000).toFixed(2)} µs`,
      `${Math.round(malloc.p999 / 1000)} µs`,
      `${free.p50} ns`,
      `${(free.p99 / 1000).toFixed(2)} µs`,
      `${free.p999 / 1000} µs`,
    ])
    const [accent, alarm] = await themeColours(page, ['accent', 'alarm'])
    const canvas = '#speed .panel:nth-child(2) canvas'
    const { width } = await sizeOf(page, canvas)
    for (const lane of [0, 1, 2, 3, 4, 5]) {
      const box = [GUTTER, lane * 92 + 20, width - GUTTER - 14, 72] as const
      expect(await inkOf(page, canvas, accent!, box), `lane ${lane}`).toBeGreaterThan(20)
    }
    expect(await inkOf(page, canvas, alarm!, [GUTTER, 204, width, 72])).toBeGreaterThan(10)
  })

  it('allocator: bins of all arenas and of one', async () => {
    const arenas = looks(0).at(-1)!.heap.arenas
    const all = (await dataTable(page, 'allocator')).find((row) => row[1] === 'glibc')!
    const sum = arenas.reduce((bytes, { bins }) => bytes + bins[0]!.bytes, 0)
    expect([all[0], plain(all[3]!)]).toEqual(['unsorted', shown(sum)])
    await page.locator('#allocator select').selectOption({ label: 'arena 3' })
    await settle(page)
    const one = (await dataTable(page, 'allocator')).find((row) => row[1] === 'glibc')!
    expect(plain(one[3]!)).toBe(shown(arenas[3]!.bins[0]!.bytes))
    expect(await readout('allocator', 1)).toMatch(/^arena 3: the highest 60 of its chunks/)
    await page.locator('#allocator select').selectOption({ label: 'all arenas' })
  })

  it('allocator: the chunk map is walked from the top down, chunk by chunk', async () => {
    const box = '#allocator .panel:nth-child(2) .canvas-box'
    const { start, rows } = lastSurvey(1).chunks![0]!
    const sizes = Array.from({ length: CHUNKS }, (_, place) => rows[place * 6]!)
    const addressOf = (place: number): string =>
      `0x${sizes
        .slice(0, place)
        .reduce((at, size) => at + size, start)
        .toString(16)}`
    await press(box, 'End')
    expect(await readout('allocator', 2)).toMatch(
      new RegExp(`^main arena: ${addressOf(59)}, .*, top, flags P \\(60 of 60\\)$`),
    )
    await press(box, 'ArrowLeft')
    expect(await readout('allocator', 2)).toBe(
      `main arena: ${addressOf(58)}, 960 B, in use, flags P, ` +
        '948 B allocated by thread 1 after 1.50 s (59 of 60)',
    )
    await press(box, 'Home', 'ArrowRight', 'ArrowRight', 'ArrowRight')
    expect(await readout('allocator', 2)).toBe(
      `main arena: ${addressOf(3)}, 80 B, unsorted, flags P (4 of 60)`,
    )
    const [purple] = await themeColours(page, ['freeTop'])
    const canvas = '#allocator .panel:nth-child(2) canvas'
    const { width, height } = await sizeOf(page, canvas)
    expect(await inkOf(page, canvas, purple!, [0, 0, width, height])).toBeGreaterThan(100)
  })

  it('mapped: every mapping and their sum, in the order asked for', async () => {
    const list = lastSurvey(0).mappings!
    const rowsOf = async (): Promise<string[][]> =>
      (await dataTable(page, 'mapped')).filter((row) => row[1] === 'glibc')
    const rows = await rowsOf()
    expect(rows.length).toBe(list.rows.length / 6 + 1)
    expect(rows[0]!.slice(0, 1)).toEqual([`0x${list.rows[0]!.toString(16)}`])
    const rss = list.groups.reduce((sum, group) => sum + group.rss, 0)
    expect(plain(rows.at(-1)![3]!)).toBe(shown(rss))
    await page.getByLabel('by RSS').check()
    await settle(page)
    const most = Math.max(...list.rows.filter((_, place) => place % 6 === 2))
    expect(plain((await rowsOf())[0]![3]!)).toBe(shown(most))
    const bars = await page.locator('#mapped .panel:nth-child(1) li').allTextContents()
    const inUse = list.groups.find(({ kind, writable }) => kind === 1 && writable)!
    const reserve = list.groups.find(({ writable }) => !writable)!
    const names = ['arena heaps', 'arena heaps, in reserve']
    if (reserve.bytes > inUse.bytes) names.reverse()
    expect(bars.map((text) => text.replace(/\d.*/, ''))).toEqual([...names, 'brk heap'])
  })

  it('events: what happened is told, drawn and filtered', async () => {
    const all = await dataTable(page, 'events')
    const kill = all.find((row) => row[3] === 'OOM kill')!
    expect(kill[0]).toBe(`${(looks(0).at(-1)!.t / 1e9).toFixed(1)} s`)
    // What is logged one by one is told so, and not counted besides; what is only counted is.
    const told = (pattern: RegExp): number => all.filter((row) => pattern.test(row[3]!)).length
    const logged = run.lines.flat().filter((line) => line.type === 'event').length
    expect(told(/^growth of a heap \(/)).toBe(logged)
    expect(told(/^\d+ growths of heaps/)).toBe(0)
    expect(told(/^\d+ trims? of the main arena since \d/)).toBeGreaterThan(5)
    // One by one, each with its arena, as the samples have it: the last of the only arena.
    const most = Math.max(...samples(1).map(({ arenas }) => arenas[0]!.system))
    const grown = all.filter((row) => row[1] === 'glibc:arena_max=1' && row[2] === 'Growth')
    const texts = grown.map((row) => plain(row[3]!))
    expect(
      texts.filter((text) => text.startsWith(`main arena grew to ${shown(most)}`)),
    ).toHaveLength(1)
    const [alarm, accent] = await themeColours(page, ['alarm', 'accent'])
    const canvas = '#events .panel:nth-child(1) canvas'
    const { width } = await sizeOf(page, canvas)
    const heaps = [GUTTER, 36, width, 18] as const
    expect(await inkOf(page, canvas, alarm!, [GUTTER, 0, width, 18])).toBeGreaterThan(10)
    const [mark] = await probe(page, canvas, [[GUTTER + 2, 45]])
    expect(mark).not.toBe(accent)
    await page.getByLabel(/^Growth/).uncheck()
    await settle(page)
    const rest = await dataTable(page, 'events')
    expect(rest.length).toBeLessThan(all.length)
    expect(rest.some((row) => row[2] === 'Growth')).toBe(false)
    expect(await inkOf(page, canvas, alarm!, heaps)).toBe(0)
    await page.locator('#events .panel:nth-child(1) .latest .time').last().click()
    await settle(page)
    expect(await page.textContent('.follow[aria-pressed]')).toBe('Newest')
    expect(await page.getAttribute('.follow', 'aria-pressed')).toBe('false')
  })

  it('PNG: a view is saved with its picture, its words and the name of the run', async () => {
    const { width } = await sizeOf(page, '#arenas')
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.click('#arenas [data-action=png]'),
    ])
    expect(download.suggestedFilename()).toBe('seedservice-arenas.png')
    const png = readFileSync(await download.path())
    expect(png.toString('latin1', 1, 4)).toBe('PNG')
    expect(png.readUInt32BE(16)).toBe(Math.ceil((width + 40) * 2))
    const [live] = await themeColours(page, ['live'])
    const blue = await page.evaluate<number>(`(async () => {
      const bytes = Uint8Array.from(atob(${JSON.stringify(png.toString('base64'))}), (c) =>
        c.charCodeAt(0))
      const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }))
      const canvas = new OffscreenCanvas(image.width, image.height)
      const pen = canvas.getContext('2d')
      pen.drawImage(image, 0, 0)
      const { data } = pen.getImageData(0, 0, image.width, image.height)
      const wanted = [1, 3, 5].map((at) => parseInt(${JSON.stringify(live)}.slice(at, at + 2), 16))
      let found = 0
      for (let at = 0; at < data.length; at += 4) {
        if (wanted.every((part, place) => Math.abs(data[at + place] - part) < 4)) found++
      }
      return found
    })()`)
    expect(blue).toBeGreaterThan(10_000)
  })

  it('PNG: every picture is drawn at twice its size, and the page stays as it was', async () => {
    const before = await sizeOf(page, '#memory canvas')
    await page.evaluate(`(() => {
      const draw = CanvasRenderingContext2D.prototype.drawImage
      window.finesses = []
      CanvasRenderingContext2D.prototype.drawImage = function (image, ...box) {
        if (box.length === 4) window.finesses.push(image.width / box[2])
        return draw.call(this, image, ...box)
      }
    })()`)
    for (const view of ['memory', 'arenas', 'matrix', 'locks', 'speed', 'allocator', 'events']) {
      await Promise.all([page.waitForEvent('download'), page.click(`#${view} [data-action=png]`)])
      const finesses = await page.evaluate<number[]>('window.finesses.splice(0)')
      expect(finesses.length, view).toBe(2)
      for (const fine of finesses) expect(fine, view).toBeCloseTo(2, 1)
    }
    await settle(page)
    expect(await sizeOf(page, '#memory canvas')).toEqual(before)
    expect(await page.evaluate('document.querySelector("#memory canvas").width')).toBe(before.width)
  })

  it('scrubbed back, a page stays where it is while the run goes on', async () => {
    const lines = run.lines[1]!
    const half = Math.floor(lines.length / 2)
    dashboard.describe(run.description)
    for (const line of lines.slice(0, half)) dashboard.publish(1, line)
    const end = async (): Promise<number> =>
      Number((await page.getAttribute('.card:nth-child(2)', 'data-end'))?.split(' ')[0])
    await expect.poll(end, { timeout: PATIENCE_MS }).toBe(lines[half - 1]!.t)
    await press('[data-picture="memory"]', 'Shift+ArrowLeft', '+')
    const moment = await page.textContent('.moment')
    const rss = async (): Promise<string> =>
      (await tableRows(page, '[data-readout="memory"]')).find((row) => row[0] === 'RSS')![2]!
    const before = await rss()
    for (const line of lines.slice(half)) dashboard.publish(1, line)
    await expect.poll(end, { timeout: PATIENCE_MS }).toBe(lines.at(-1)!.t)
    await settle(page)
    expect(await page.textContent('.moment')).toBe(moment)
    expect(await rss()).toBe(before)
    expect(await page.getByText('Whole run').count()).toBe(1)
    await page.click('.follow')
    await settle(page)
    expect(await page.textContent('.moment')).toBe(`${(lines.at(-1)!.t / 1e9).toFixed(2)} s`)
  })
})
