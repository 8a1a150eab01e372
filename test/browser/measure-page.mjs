/**
 * Measures the dashboard's page in the system's Chromium and prints what it finds; asserts nothing,
 * because times depend on the machine. After `node build.mjs`:
 *
 *   node test/browser/measure-page.mjs [seconds of live run for each stage, 10 by default] [folder]
 *
 * Frames are measured on a made-up run, or on the recorded one of a run folder, whose samples are
 * then shown 20 a second, over and over. One of 64 arenas and 128 threads, 800 samples, in 20 s:
 *
 *   arena-lab run seedservice -a glibc:arena_max=64 --machine virtual --cores 64 \
 *     -P ingesters=126 -P records=12000 --sample-hz 1000
 *
 * - size: the page, gzipped (goal: below 150 KB)
 * - first paint: of a page opened while a run goes on (goal: below 500 ms); five pages
 * - frames: 64 arenas, 128 threads, 20 samples a second (goal: median ≤ 16.7 ms, 95 % ≤ 25 ms),
 *   with the page at rest at its head, while it is scrolled from end to end, and while the pointer
 *   scrubs over a picture. Told besides: the samples that came meanwhile, for the times mean
 *   nothing without them, and what Chromium's own tracing says became of the frames.
 * - memory: a run of 10 minutes replayed at 20 times its speed; the page's heap and its buffers,
 *   collected, eight times (goal: no growth once all bounds have been reached)
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { createJiti } from 'jiti'

const jiti = createJiti(import.meta.url)
const { startChromium } = await jiti.import('./chromium.ts')
const { descriptionOf, fakeLines, LARGE } = await jiti.import('./fake-run.ts')
const { startDashboard } = await jiti.import('../../dashboard/server/dashboard.ts')
const { readSeries } = await jiti.import('../../lab/metrics/series.ts')

const LIVE_SECONDS = Number(process.argv[2] ?? 10)
const RECORDED = process.argv[3]
const pagePath = fileURLToPath(new URL('../../dist/dashboard/web/index.html', import.meta.url))

const SAMPLES_PER_SECOND = 20

/** Lines of a recorded run's first variant, 20 samples a second for so many seconds. */
async function recordedLines(folder, seconds) {
  const once = []
  for await (const line of readSeries(`${folder}/samples.ndjson`)) {
    if (line.variant === 0) once.push(line)
  }
  const samples = once.filter(({ type }) => type === 'sample').length
  const stretch = ((samples / SAMPLES_PER_SECOND) * 1e9) / once.at(-1).t
  const lines = []
  for (let from = 0; from < seconds * 1e9; from = lines.at(-1).t + 1e9 / SAMPLES_PER_SECOND) {
    // The end of one round would be the end of the run.
    const round = once.filter(({ reason }) => reason !== 'end')
    for (const line of round) lines.push({ ...line, t: from + line.t * stretch })
  }
  return lines
}

/** Publishes a run at `speed` times its own; calls `onPart` after each of `parts` parts. */
async function replay(dashboard, options, speed, parts = 1, onPart = async () => {}) {
  dashboard.describe(descriptionOf(options))
  const whole = options.days * options.daySeconds
  const start = performance.now()
  let paused = 0
  let part = 1
  for (const line of options.lines ?? fakeLines(options)) {
    const due = start + paused + line.t / 1e6 / speed
    const early = due - performance.now()
    if (early > 2) await new Promise((resolve) => setTimeout(resolve, early))
    dashboard.publish(0, line)
    if (line.t / 1e9 < (whole * part) / parts || part > parts) continue
    const stopped = performance.now()
    await onPart(part++)
    paused += performance.now() - stopped
  }
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const sorted = (values) => [...values].sort((a, b) => a - b)
const at = (values, share) => sorted(values)[Math.floor(share * (values.length - 1))]?.toFixed(1)

/** Runs in the page: collects the times between frames; `frameTimes` holds them. */
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
/** Counts the pictures drawn anew: grows with every sample that the page has taken in. */
const ASKED = "Number(document.documentElement.dataset['asked'])"

/** What Chromium says became of a page's frames: presented, dropped, or nothing to present. */
function framesOf(trace) {
  const { traceEvents } = JSON.parse(trace.toString())
  const renderers = new Set(
    traceEvents.flatMap(({ name, pid, args }) =>
      name === 'process_name' && args.name === 'Renderer' ? [pid] : [],
    ),
  )
  const counts = { presented: 0, partly: 0, dropped: 0, idle: 0 }
  for (const { name, pid, args } of traceEvents) {
    const state = name === 'PipelineReporter' && renderers.has(pid) && args?.frame_reporter?.state
    if (state === 'STATE_PRESENTED_ALL') counts.presented++
    else if (state === 'STATE_PRESENTED_PARTIAL') counts.partly++
    else if (state === 'STATE_DROPPED') counts.dropped++
    else if (state === 'STATE_NO_UPDATE_DESIRED') counts.idle++
  }
  const { presented, partly, dropped, idle } = counts
  return `${presented} presented, ${partly} in part, ${dropped} dropped, ${idle} without a change`
}

/** What is done to the page meanwhile: for each stage its name and one step, 20 times a second. */
const STAGES = [
  ['at rest', async () => {}],
  [
    'scrolling',
    (page) =>
      page.evaluate(`scrollBy(0, 40); if (scrollY + innerHeight + 9 >
        document.body.scrollHeight) scrollTo(0, 0)`),
  ],
  [
    'scrubbing',
    async (page, step) => {
      if (step === 0) await page.evaluate('scrollTo(0, 0)')
      await page.mouse.move(200 + ((step * 7) % 900), 480)
    },
  ],
]

async function measureStage(browser, page, busy, name, act) {
  await takeFrames(page)
  const before = await busy()
  const askedBefore = await page.evaluate(ASKED)
  const start = performance.now()
  for (let step = 0; performance.now() < start + LIVE_SECONDS * 1000; step++) {
    await act(page, step)
    await wait(50)
  }
  const seconds = (performance.now() - start) / 1000
  const times = await takeFrames(page)
  const share = (100 * ((await busy()) - before)) / seconds
  const asked = ((await page.evaluate(ASKED)) - askedBefore) / seconds
  console.log(
    `frames, ${name}`.padEnd(19) +
      `median ${at(times, 0.5)} ms, 95 % ${at(times, 0.95)} ms, 99 % ${at(times, 0.99)} ms, ` +
      `max ${at(times, 1)} ms, ${(times.length / seconds).toFixed(1)} a second; ` +
      `data ${asked.toFixed(0)} times a second; main thread busy ${share.toFixed(0)} %`,
  )
  // Tracing costs time itself: a stretch of its own.
  await browser.startTracing(page, { categories: ['cc', 'benchmark'] })
  for (let step = 0; step < 60; step++) {
    await act(page, step + 1)
    await wait(50)
  }
  console.log(`  Chromium says    ${framesOf(await browser.stopTracing())}`)
}

async function measureFrames(browser) {
  const dashboard = await startDashboard({ port: 0, control: false, pagePath })
  const seconds = STAGES.length * (LIVE_SECONDS + 8) + 15
  const lines = RECORDED === undefined ? undefined : await recordedLines(RECORDED, seconds)
  const options = { ...LARGE, days: Math.ceil(seconds / LARGE.daySeconds), lines }
  const done = replay(dashboard, options, 1)
  await wait(2000)
  const paints = []
  let page
  for (let opened = 0; opened < 5; opened++) {
    await page?.close()
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
    await page.goto(dashboard.url)
    await page.waitForSelector('.card')
    const entry = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    paints.push(await page.evaluate(entry))
  }
  console.log(`first paint        median ${at(paints, 0.5)} ms, longest ${at(paints, 1)} ms`)
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('Performance.enable')
  const busy = async () => {
    const { metrics } = await cdp.send('Performance.getMetrics')
    return metrics.find(({ name }) => name === 'TaskDuration').value
  }
  await page.evaluate(COLLECT)
  console.log(`page               ${await page.evaluate('document.visibilityState')}`)
  for (const [name, act] of STAGES) await measureStage(browser, page, busy, name, act)
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
    const nodes = metrics.find((metric) => metric.name === 'Nodes').value
    const { usedSize, backingStorageSize = 0 } = await cdp.send('Runtime.getHeapUsage')
    const mib = (bytes) => (bytes / 1024 / 1024).toFixed(1)
    console.log(
      `${name.padEnd(19)}${mib(usedSize)} MiB of heap, ${mib(backingStorageSize)} MiB of ` +
        `buffers, ${nodes} nodes`,
    )
  }
  await heap('memory, empty')
  await replay(dashboard, { ...LARGE, days: 100 }, 20, 8, (part) => heap(`memory, ${part} of 8`))
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
