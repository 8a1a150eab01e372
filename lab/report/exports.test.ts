/** Goal: what is exported can be read by others, whatever the names in it. */
import { describe, expect, it } from 'vitest'
import type { Survey } from '../metrics/survey-types.ts'
import { safepointSample } from '../metrics/test/safepoint.ts'
import { MappingKind } from '../words/mapping.ts'
import { csvHeader, csvRow } from './exports.ts'
import { embedRun, ReportLines, scriptJson } from './html.ts'
import { pmapText } from './pmap-text.ts'
import { sampleOf } from './test/samples.ts'
import { mainJob } from './test/summaries.ts'

describe('csv', () => {
  it('has as many cells as headings, and quotes what needs it', () => {
    const line = { ...sampleOf({ t: 5, phase: 'day "3", noon' }), variant: 0 }
    const row = csvRow(line, ['glibc:a=1,b=2'])
    expect(row.startsWith('"glibc:a=1,b=2",5,')).toBe(true)
    expect(row.endsWith(',"day ""3"", noon"\n')).toBe(true)
    const unquoted = row.replace(/"(?:[^"]|"")*"/g, 'x')
    expect(unquoted.split(',')).toHaveLength(csvHeader().split(',').length)
  })
  it('has rows for samples only', () => {
    expect(csvRow({ ...safepointSample({}), variant: 0 }, [])).toBe('')
  })
})

describe('html', () => {
  const nasty = '</script><!-- \u2028 \u2029 <script>'

  it('data cannot end its element, and comes back as it was', () => {
    const text = scriptJson({ nasty })
    expect(text).not.toMatch(/[<\u2028\u2029]/)
    expect(JSON.parse(text)).toEqual({ nasty })
  })

  it('stands in the head, before anything that runs', () => {
    const page = '<!doctype html><html><head lang="en"><script>run()</script></head></html>'
    const html = embedRun(page, { summary: mainJob, lines: [[]] })
    const at = html.indexOf('id="arena-lab-run"')
    expect(at).toBeGreaterThan(html.indexOf('<head'))
    expect(at).toBeLessThan(html.indexOf('run()'))
    const data = /id="arena-lab-run">(.*?)<\/script>/.exec(html)![1]!
    expect(JSON.parse(data).summary).toEqual(mainJob)
  })

  it('keeps a bounded number of lines, always the last and every phase mark', () => {
    const lines = new ReportLines()
    for (let t = 0; t < 10_000; t++) {
      lines.add(1, sampleOf({ t }))
      if (t % 100 === 0) lines.add(1, safepointSample({ t, reason: 'tick' }))
      if (t % 1000 === 0) lines.add(1, safepointSample({ t, label: `day ${t}` }))
      if (t % 5 === 0) lines.add(1, { type: 'event', t, thread: 0, event: 'x', a: 0, b: 0 })
    }
    const { lines: all, eventsLeft } = lines.contents()
    const [none, kept = []] = all
    expect(none).toEqual([])
    const count = (type: string, reason?: string): number =>
      kept.filter(
        (line) => line.type === type && (!reason || ('reason' in line && line.reason === reason)),
      ).length
    expect(count('sample')).toBeLessThanOrEqual(301)
    expect(count('sample')).toBeGreaterThan(100)
    expect(count('safepoint', 'tick')).toBeLessThanOrEqual(61)
    expect(count('safepoint', 'phase')).toBe(10)
    expect([count('event'), eventsLeft]).toEqual([1500, [0, 500]])
    expect(kept.at(-1)!.t).toBe(9999)
    expect(kept.map(({ t }) => t)).toEqual([...kept.map(({ t }) => t)].sort((a, b) => a - b))
  })

  it('keeps the chunks of the last two looks only, and all else of every look', () => {
    const lines = new ReportLines()
    const chunks = [{ arena: 0, start: 0, left: 0, states: [], rows: [] }]
    const survey = { pins: [], chunks } as unknown as Survey
    for (let t = 0; t < 5; t++) lines.add(0, { ...safepointSample({ t }), survey })
    const kept = lines.contents().lines[0]!.map((line) => line.type === 'safepoint' && line.survey)
    const bare = { pins: [] }
    expect(kept).toEqual([bare, bare, bare, survey, survey])
  })
})

describe('pmap', () => {
  it('lists as pmap -x does, in KiB, with a total', () => {
    const row = { nominalBytes: 0, permissions: 'rw---' as const }
    const mappings = [
      {
        ...row,
        start: 0x100000,
        bytes: 135_168,
        rssBytes: 8192,
        dirtyBytes: 8192,
        kind: MappingKind.BRK_HEAP,
      },
      {
        ...row,
        start: 0x8000000,
        bytes: 67_108_864,
        rssBytes: 0,
        dirtyBytes: 0,
        kind: MappingKind.ARENA_HEAP,
      },
    ]
    expect(pmapText('glibc', mappings)).toMatchInlineSnapshot(`
      "glibc
      Address                 KiB        RSS      Dirty Mode  Mapping
      0000000000100000        132          8          8 rw--- [ heap ]   brk heap
      0000000008000000      65536          0          0 rw--- [ anon ]   arena heap
      ---------------- ---------- ---------- ----------
      total KiB             65668          8          8
      "
    `)
  })
})
