/**
 * Measures the dashboard's page in the system's Chromium and prints what it finds; asserts nothing,
 * because times depend on the machine. After `node build.mjs`:
 *
 *   node test/browser/measure-page.mjs [seconds of live run, 20 by default]
 *
 * - size: the page, gzipped (goal: below 150 KB)
 * - first paint: of a page opened while a run goes on (goal: below 500 ms)
 * - frames: 64 arenas, 128 threads, 20 samples a second (goal: median ≤ 16.7 ms, 95 % ≤ 25 ms),
 *   with the page at rest at its head, and while it is scrolled from end to end
 * - memory: a run of 10 minutes replayed at 20 times its speed; the page's heap after each quarter,
 *   collected (goal: no growth from the second quarter on, when all bounds have been reached)
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { createJiti } from 'jiti'

const jiti = createJiti(import.meta.url)
const { startChromium } = await jiti.import('./chromium.ts')
const { descriptionOf, fakeLines, LARGE } = await jiti.import('./fake-run.ts')
const { startDashboard } = await jiti.import('../../dashboard/server/dashboard.ts')

const LIVE_SECONDS = Number(process.argv[2] ?? 20)
const pagePath = fileURLToPath(new URL('../../dist/dashboard/web/index.html', import.meta.url))

/** Publishes a run at `speed` times its own; calls `onQuarter` after each quarter. */
async function replay(dashboard, options, speed, onQuarter = async () => {}) {
  dashboard.describe(descriptionOf(options))
  const whole = options.days * options.daySeconds
  const start = performance.now()
  let paused = 0
  let quarter = 1
  for (const line of fakeLines(options)) {
    const due = start + paused + line.t / 1e6 / speed
    const early = due - performance.now()
    if (early > 2) await new Promise((resolve) => setTimeout(resolve, early))
    dashboard.publish(0, line)
    if (line.t / 1e9 < (whole * quarter) / 4) continue
    const stopped = performance.now()
    await onQuarter(quarter++)
    paused += performance.now() - stopped
  }
}

const sorted = (values) => [...values].sort((a, b) => a - b)
const at = (values, share) => sorted(values)[Math.floor(share * (values.length - 1))]?.toFixed(1)

/** Starts to collect the times between frames in the page; `window.frames_` holds them. */
const COLLECT = `(() => {
  window.frameTimes = []
  let last = performance.now()
  const next = (now) => {
    window.frameTimes.push(now - last)
    last = now
    requestAnimationFrame(next)
  }
  requestAnimationFrame(next)
})()`
const takeFrames = (page) => page.evaluate('window.frameTimes.splice(0)')

async function measureFrames(browser) {
  const dashboard = await startDashboard({ port: 0, control: false, pagePath })
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  const options = { ...LARGE, days: Math.ceil((2 * LIVE_SECONDS + 10) / LARGE.daySeconds) }
  const done = replay(dashboard, options, 1)
  await new Promise((resolve) => setTimeout(resolve, 2000))
  await page.goto(dashboard.url)
  await page.waitForSelector('.card')
  const paint = await page.evaluate(
    "performance.getEntriesByName('first-contentful-paint')[0]?.startTime",
  )
  console.log(`first paint        ${Math.round(paint)} ms`)
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('Performance.enable')
  const busy = async () => {
    const { metrics } = await cdp.send('Performance.getMetrics')
    return metrics.find(({ name }) => name === 'TaskDuration').value
  }
  await page.evaluate(COLLECT)
  for (const [name, step] of [
    ['at rest', 0],
    ['scrolling', 40],
  ]) {
    await takeFrames(page)
    const before = await busy()
    const end = performance.now() + LIVE_SECONDS * 1000
    while (performance.now() < end) {
      await page.evaluate(`scrollBy(0, ${step}); if (scrollY + innerHeight + 9 >
        document.body.scrollHeight) scrollTo(0, 0)`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const times = await takeFrames(page)
    const share = (100 * ((await busy()) - before)) / LIVE_SECONDS
    console.log(
      `frames, ${name}`.padEnd(19) +
        `median ${at(times, 0.5)} ms, 95 % ${at(times, 0.95)} ms, max ${at(times, 1)} ms, ` +
        `${times.length} frames; main thread busy ${share.toFixed(0)} %`,
    )
  }
  await page.close()
  await done
  await dashboard.close()
}

async function measureMemory(browser) {
  const dashboard = await startDashboard({ port: 0, control: false, pagePath })
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  dashboard.describe(descriptionOf(LARGE))
  await page.goto(dashboard.url)
  await page.waitForSelector('.card')
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('Performance.enable')
  const heap = async (name) => {
    await cdp.send('HeapProfiler.collectGarbage')
    const { metrics } = await cdp.send('Performance.getMetrics')
    const of = (key) => metrics.find((metric) => metric.name === key).value
    const mib = (of('JSHeapUsedSize') / 1024 / 1024).toFixed(1)
    console.log(`${name.padEnd(19)}${mib} MiB of heap, ${of('Nodes')} nodes`)
  }
  await heap('memory, empty')
  const options = { ...LARGE, days: 100 }
  await replay(dashboard, options, 20, (quarter) => heap(`memory, ${quarter} of 4`))
  await page.close()
  await dashboard.close()
}

const size = gzipSync(readFileSync(pagePath)).byteLength
console.log(`size               ${(size / 1000).toFixed(1)} KB gzipped`)
const browser = await startChromium()
try {
  await measureFrames(browser)
  await measureMemory(browser)
} finally {
  await browser.close()
}
