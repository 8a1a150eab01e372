/** What tests do with a page of the dashboard: read its tables, probe its pictures, check it. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Browser, Page } from 'playwright-core'

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

export async function openPage(
  browser: Browser,
  url: string,
  options: OpenOptions = {},
): Promise<Opened> {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1280, height: options.height ?? 2800 },
    colorScheme: options.colorScheme ?? 'light',
  })
  const page = await context.newPage()
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
  const button = page.locator(`#${view} .view-head button`)
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

/** Waits until the pictures have been drawn and the texts have followed. */
export async function settle(page: Page): Promise<void> {
  await page.waitForTimeout(500)
}
