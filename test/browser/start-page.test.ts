/**
 * The start page in a real browser, driving real small runs: set up, started, steered and opened
 * again. Everything is waited for by what it shows; nothing depends on how fast the machine is.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { type Running, start } from '../../lab/cli/test/spawn.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { describeInChromium, startChromium } from './chromium.ts'
import { axeViolations, type Opened, openPage, PATIENCE_MS } from './page-driver.ts'

const SMALL = '#scenario=seedservice&a=glibc&a=glibc:arena_max=1&P=ingesters=4&P=records=100'
const TINY = `${SMALL}&P=days=3`
/** With no end that a test would wait for. */
const LONG = `${SMALL}&P=days=1000&lockstep=true`

let browser: Browser
let folder: string
let running: Running
let url: string
let opened: Opened

async function serve(...flags: string[]): Promise<void> {
  running = start(folder, ['dashboard', '--port', '0', ...flags])
  url = (await running.said(/http:\S+/)).trim()
}

async function open(hash = '', colorScheme: 'light' | 'dark' = 'light'): Promise<Page> {
  opened = await openPage(browser, `${url}${hash}`, { colorScheme, height: 1200 })
  const { page } = opened
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.waitForSelector('.start-panel')
  return page
}

const patient = { timeout: PATIENCE_MS }
const text = (page: Page, selector: string) =>
  expect.poll(() => page.textContent(selector), patient)
const clipboard = (page: Page): Promise<string> => page.evaluate('navigator.clipboard.readText()')
const commandText = (page: Page): Promise<string | null> =>
  page.textContent('.start-panel .command')
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })

describeInChromium('start page in Chromium', () => {
  beforeAll(async () => {
    browser = await startChromium()
  })
  afterAll(() => browser?.close())
  beforeEach(() => {
    folder = temporaryFolder('start')
  })
  afterEach(async () => {
    await opened?.page.context().close()
    running?.child.kill('SIGKILL')
    await running?.ended
  })

  it('a run is started, stepped, paused, resumed and stopped; then opened again', async () => {
    await serve('--control')
    const page = await open(LONG)
    await button(page, 'Start paused').click()
    await text(page, '.run-state').toBe('Paused before the first op')
    await page.waitForSelector('.card:nth-child(2)')
    await button(page, 'Step a phase').click()
    await text(page, '.run-state').toBe('Paused at “day 0”')
    // Lock-step: both variants have reached the mark, and only it.
    const badges = page.locator('.card .badge')
    await expect
      .poll(() => badges.allTextContents(), patient)
      .toEqual(['running · day 0', 'running · day 0'])
    await page.keyboard.press('Alt+n')
    await text(page, '.run-state').toBe('Paused at “day 1”')
    await button(page, 'Resume').click()
    await text(page, '.run-state').toBe('Running')
    await button(page, 'Pause').click()
    await text(page, '.run-state').toMatch(/^Paused/)
    await button(page, 'Stop').click()
    await text(page, '.run-state').toBe('Ended')
    await expect
      .poll(() => badges.allTextContents(), patient)
      .toEqual([
        expect.stringMatching(/^interrupted after day \d+$/),
        expect.stringMatching(/^interrupted after day \d+$/),
      ])
    const [run] = readdirSync(join(folder, '.arena-lab', 'runs'))
    const links = await page
      .locator('.keep a')
      .evaluateAll((all) => all.map((link) => link.getAttribute('href')))
    const files = ['report.html', 'samples.csv', 'samples.ndjson', 'trace.json']
    expect(links).toEqual(files.map((file) => `/run/${run}/${file}`))

    await page.getByRole('link', { name: 'Set up', exact: true }).click()
    await page.locator('.runs a').first().click()
    await page.waitForURL(`**/run/${run}`)
    await page.waitForSelector('#memory canvas')
    expect(await page.locator('.view h2').count()).toBeGreaterThanOrEqual(4)
    await expect.poll(() => badges.first().textContent(), patient).toMatch(/^interrupted after/)
    await page.getByRole('link', { name: 'Set up again' }).click()
    await page.waitForSelector('.start-panel')
    expect(await commandText(page)).toContain('-P days=1000')
    expect(opened.problems).toEqual([])
  })

  it('the form writes the link and the command; the link brings the form back', async () => {
    await serve('--control')
    const page = await open()
    await page.getByRole('radio', { name: /^pinned-top/ }).check()
    await page
      .locator('.variant')
      .first()
      .getByRole('button', { name: /tunables/ })
      .click()
    await page.locator('#variant-0-arena_max').fill('4')
    await page.locator('#variant-0-mmap_threshold').fill('1MiB')
    await page.getByRole('button', { name: 'Add one' }).click()
    await page.locator('#variant-2-design').selectOption('tcmalloc')
    await page.locator('#option-memoryLimit').fill('1GiB')
    await page.locator('#option-seed').fill('7')
    await page.getByRole('checkbox', { name: /lock-step/ }).uncheck()
    const command =
      'arena-lab run pinned-top -a glibc:arena_max=4,mmap_threshold=1MiB ' +
      '-a glibc:arena_max=1 -a tcmalloc --memory-limit 1GiB --seed 7'
    expect(await commandText(page)).toBe(command)
    await button(page, 'Copy command').click()
    await text(page, '.start-panel .buttons').toContain('Copied')
    expect(await clipboard(page)).toBe(command)
    await button(page, 'Copy link').click()
    await expect.poll(() => clipboard(page), patient).toContain('#scenario=pinned-top')
    const link = await clipboard(page)
    expect(link).not.toContain('token')
    expect(link).toBe(page.url())

    await page.goto('about:blank')
    await page.goto(link)
    await page.waitForSelector('.start-panel')
    expect(await commandText(page)).toBe(command)
    expect(await page.getByRole('radio', { name: /^pinned-top/ }).isChecked()).toBe(true)
    expect(await page.locator('#option-memoryLimit').inputValue()).toBe('1GiB')
    // By keyboard alone.
    await page.evaluate('navigator.clipboard.writeText("")')
    await page.keyboard.press('Alt+c')
    await expect.poll(() => clipboard(page), patient).toBe(command)
    expect(opened.problems).toEqual([])
  })

  it('what would be refused is said in the command line’s words, and not started', async () => {
    await serve('--control')
    const page = await open(TINY)
    await page.locator('#param-days').fill('many')
    await text(page, '#param-days-meaning').toContain('Expected count, a whole number from 1')
    expect(await page.getAttribute('#param-days', 'aria-invalid')).toBe('true')
    await page.locator('#option-memoryLimit').fill('lots')
    await text(page, '.status').toContain('2 values would be refused')
    expect(await button(page, 'Start').isDisabled()).toBe(true)
    await page.locator('#param-days').fill('')
    await page.locator('#option-memoryLimit').fill('4KiB')
    await button(page, 'Start').click()
    await text(page, '.status').toMatch(/is too small for .* would do/)
    expect(await button(page, 'Start').isEnabled()).toBe(true)
  })

  it('without control it says so, tells the command, and starts nothing', async () => {
    await serve()
    const page = await open(TINY)
    await text(page, '.status').toContain('This dashboard only watches')
    expect(await button(page, 'Start').isDisabled()).toBe(true)
    expect(await commandText(page)).toContain('arena-lab run seedservice -a glibc')
  })

  it.each(['light', 'dark'] as const)('axe-core finds nothing in the %s theme', async (theme) => {
    await serve('--control')
    const page = await open(TINY, theme)
    await button(page, 'Start').click()
    await text(page, '.run-state').toBe('Ended')
    expect(await axeViolations(page)).toEqual([])
    await page.getByRole('link', { name: 'Set up', exact: true }).click()
    await page.waitForSelector('.runs a')
    await page
      .locator('.variant')
      .first()
      .getByRole('button', { name: /tunables/ })
      .click()
    await page.locator('#param-days').fill('many')
    await page.waitForSelector('#param-days-meaning .problem')
    expect(await page.getAttribute('html', 'data-theme')).toBe(theme)
    expect(await axeViolations(page)).toEqual([])
  })
})
