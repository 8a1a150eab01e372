/** What tests do with a page of the dashboard: read its tables, probe its pictures, check it. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import type { FakeRun } from './fake-run.ts'

/** A page and everything that went wrong on it. */
export interface Opened {
  readonly page: Page
  /** Errors of scripts and console errors, among them what the content policy blocked. */
  readonly problems: string[]
  /** Addresses asked for, sockets included. */
  readonly requests: string[]
}

export interface OpenOptions {
  readonly colorScheme?: 'light' | 'dark'
  readonly width?: number
  readonly height?: number
}

/** How long a page may take to get somewhere: far more than it ever should. */
export const PATIENCE_MS = 90_000

export async function openPage(
  browser: Browser,
  url: string,
  options: OpenOptions = {},
): Promise<Opened> {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1280, height: options.height ?? 7000 },
    colorScheme: options.colorScheme ?? 'light',
  })
  const page = await context.newPage()
  page.setDefaultTimeout(PATIENCE_MS)
  const problems: string[] = []
  const requests: string[] = []
  page.on('pageerror', (error) => problems.push(error.stack ?? error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text())
  })
  page.on('request', (request) => requests.push(request.url()))
  page.on('websocket', (socket) => requests.push(socket.url()))
  await page.goto(url)
  return { page, problems, requests }
}

/** Rows of a table, cell by cell, heads included. */
export function tableRows(page: Page, selector: string): Promise<string[][]> {
  return page.$$eval(`${selector} tr`, (rows) =>
    rows.map((row) => [...row.children].map((cell) => (cell.textContent ?? '').trim())),
  )
}

/** Opens the data table of a view and reads it. */
export async function dataTable(page: Page, view: string): Promise<string[][]> {
  const button = page.locator(`#${view} [data-action=table]`)
  if ((await button.getAttribute('aria-expanded')) === 'false') await button.click()
  await page.waitForSelector(`#${view}-table table`)
  return tableRows(page, `#${view}-table table`)
}

/** Runs in the page, so it is text: tests are compiled without the types of a browser. */
const PROBE = `(selector, points) => {
  const canvas = document.querySelector(selector)
  const scale = canvas.width / canvas.getBoundingClientRect().width
  const pen = canvas.getContext('2d')
  return points.map(([x, y]) => {
    const [r, g, b, a] = pen.getImageData(Math.round(x * scale), Math.round(y * scale), 1, 1).data
    if (a < 128) return 'none'
    return '#' + [r, g, b].map((part) => part.toString(16).padStart(2, '0')).join('')
  })
}`

/** Colours (`#rrggbb`, or `none` where nothing is drawn) at points of a canvas, in CSS pixels. */
export function probe(
  page: Page,
  selector: string,
  points: readonly (readonly [number, number])[],
): Promise<string[]> {
  return page.evaluate(`(${PROBE})(${JSON.stringify(selector)}, ${JSON.stringify(points)})`)
}

/** Custom properties of the theme in force: the colours that pictures should have. */
export function themeColours(page: Page, names: readonly string[]): Promise<string[]> {
  return page.evaluate(`${JSON.stringify(names)}.map((name) =>
    getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim())`)
}

/** Size of an element, CSS pixels. */
export function sizeOf(page: Page, selector: string): Promise<{ width: number; height: number }> {
  return page.$eval(selector, (element) => {
    const { width, height } = element.getBoundingClientRect()
    return { width, height }
  })
}

/** What axe-core finds wrong, one line each. */
export async function axeViolations(page: Page): Promise<string[]> {
  const path = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
  await page.evaluate(readFileSync(path, 'utf8'))
  const results = await page.evaluate<AxeResults>('axe.run()')
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.html.slice(0, 120)} ${node.failureSummary ?? ''}`),
  )
}

/**
 * Asks until `expression` holds in the page. The page's content policy forbids what Playwright
 * would do to ask from inside.
 */
async function holds(page: Page, expression: string): Promise<void> {
  const limit = performance.now() + PATIENCE_MS
  while (!(await page.evaluate<boolean>(expression))) {
    if (performance.now() > limit) throw new Error(`never held in the page: ${expression}`)
    await page.waitForTimeout(20)
  }
}

/** Waits until the page stands still: what is on screen is drawn, and the texts have followed. */
export function settle(page: Page): Promise<void> {
  return holds(
    page,
    `(({ asked, drawn }) => asked !== undefined && asked === drawn)(
      document.documentElement.dataset)`,
  )
}

/** Waits until the page shows a run that has ended, all of it, and stands still. */
export async function showsAll(page: Page, run: FakeRun): Promise<void> {
  const ends = run.lines.map((lines) => `${lines.at(-1)!.t} ended`)
  const shown = "[...document.querySelectorAll('.card')].map((card) => card.dataset.end).join()"
  await holds(page, `${shown} === ${JSON.stringify(ends.join())}`)
  await settle(page)
}

/** Runs in the page, as text: how many pixels of a picture have a colour, to a hair. */
const INK = `(selector, wanted, [left, top, width, height]) => {
  const canvas = document.querySelector(selector)
  const scale = canvas.width / canvas.getBoundingClientRect().width
  const box = [left, top, width, height].map((side) => Math.round(side * scale))
  const { data } = canvas.getContext('2d').getImageData(...box)
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(wanted.slice(at, at + 2), 16))
  let found = 0
  for (let at = 0; at < data.length; at += 4) {
    const away = Math.abs(data[at] - r) + Math.abs(data[at + 1] - g) + Math.abs(data[at + 2] - b)
    if (data[at + 3] > 200 && away < 12) found++
  }
  return found
}`

/** Pixels of a colour (`#rrggbb`) in a box (left, top, width, height; CSS pixels) of a canvas. */
export function inkOf(
  page: Page,
  selector: string,
  colour: string,
  box: readonly [number, number, number, number],
): Promise<number> {
  const given = [selector, colour, box].map((one) => JSON.stringify(one)).join()
  return page.evaluate(`(${INK})(${given})`)
}
