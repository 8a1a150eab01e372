/**
 * Rules that matter are tests: the layers' arrows, line, function and file lengths, banned words.
 * Each failure names the place and what to do instead.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(root, file)))
const sources = tracked.filter((file) => /\.(ts|tsx|mjs)$/.test(file) && !file.endsWith('.d.ts'))
const product = sources.filter((file) => /^(lab|allocators|scenarios|dashboard)\//.test(file))
const shipped = product.filter((file) => !/\.(test|fuzz|bench)\.tsx?$|\/faulty\//.test(file))
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

/** A place, and the layers it may import besides itself. */
const LAYERS: Record<string, readonly string[]> = {
  'lab/words': [],
  'lab/sync': ['lab/words'],
  'lab/memory': ['lab/words', 'lab/sync'],
  'lab/workload': ['lab/words', 'lab/sync'],
  allocators: ['lab/words', 'lab/sync', 'lab/memory'],
  scenarios: ['lab/words', 'lab/workload'],
  'lab/machine': ['lab/words', 'lab/sync', 'lab/memory', 'allocators', 'lab/workload', 'scenarios'],
}
const UPPER = ['lab/metrics', 'lab/report', 'lab/session', 'dashboard', 'lab/cli']
for (const [place, layer] of UPPER.entries()) {
  LAYERS[layer] = [...Object.keys(LAYERS).filter((l) => l !== layer), ...UPPER.slice(0, place)]
}
const layerOf = (file: string): string | undefined =>
  Object.keys(LAYERS)
    .filter((layer) => file.startsWith(`${layer}/`))
    .sort((a, b) => b.length - a.length)[0]

describe('tidy: layers', () => {
  it('every import points left in DESIGN section 3', () => {
    const wrong: string[] = []
    for (const file of shipped) {
      const from = layerOf(file)
      for (const [, target] of read(file).matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)) {
        const to = layerOf(normalize(join(dirname(file), target!)))
        if (from === undefined || to === undefined || from === to) continue
        if (!LAYERS[from]!.includes(to)) wrong.push(`${file} imports ${to}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('the HTML report takes the page as a path: report imports nothing of the dashboard', () => {
    const wrong = shipped.filter(
      (file) => file.startsWith('lab/report/') && /from '[^']*dashboard/.test(read(file)),
    )
    expect(wrong).toEqual([])
  })
})

/** What must not be written, where, and what to write instead. */
const BANNED: readonly { pattern: RegExp; instead: string; allowed?: RegExp }[] = [
  { pattern: /\bMath\.random\b/, instead: 'a seeded generator' },
  {
    pattern: /\bDate\.now\b|\bperformance\.now\b/,
    instead: 'the clock of the machine',
    allowed: /^lab\/machine\/threads\/clock\.ts$|^lab\/(report|session|cli)\/|^dashboard\/|test/,
  },
  { pattern: /^\s*(export )?(const )?enum\b/m, instead: 'an `as const` object' },
  {
    pattern: /\bconsole\.(log|error|warn)\b/,
    instead: 'the streams that lab/cli hands out',
    allowed: /^lab\/cli\/|^build\.mjs$|^test\/|^dashboard\/web\//,
  },
  { pattern: /\b(TODO|FIXME|XXX)\b/, instead: 'the work itself', allowed: /^test\/tidy/ },
  {
    pattern: />> 2\b|<< 2\b/,
    instead: 'lab/words/units.ts',
    allowed: /^lab\/words\/|^test\/tidy|\.test\.ts$/,
  },
  { pattern: /@ts-(ignore|expect-error|nocheck)|biome-ignore/, instead: 'code that passes' },
]

describe('tidy: words', () => {
  for (const { pattern, instead, allowed } of BANNED) {
    it(`${pattern.source} is not written; use ${instead}`, () => {
      const wrong = sources.filter(
        (file) => file !== 'test/tidy.test.ts' && !allowed?.test(file) && pattern.test(read(file)),
      )
      expect(wrong).toEqual([])
    })
  }
  it('whoever makes a temporary folder removes it', () => {
    const wrong = sources.filter(
      (file) =>
        file !== 'test/tidy.test.ts' &&
        /mkdtemp(Sync)?\(/.test(read(file)) &&
        !/\brm(Sync)?\(/.test(read(file)),
    )
    expect(wrong).toEqual([])
  })
  it('no file is called utils', () => {
    expect(sources.filter((file) => /\/utils?\.ts$/.test(file))).toEqual([])
  })
})

/** The first line of a function or method: its indentation, and its name in one of two places. */
const OPENING = new RegExp(
  /^(\s*)(?:export )?(?:default )?(?:async )?/.source +
    /(?:function\*? ?(\w*)|(?:static |override |async |get |set |\*)*(#?\w+)\s*(?:<[^>]*>)?\()/
      .source,
)

/** Longest function of a file, in lines, by the indentation that biome gives. */
function longestFunction(text: string): { name: string; lines: number } {
  const lines = text.split('\n')
  let longest = { name: '', lines: 0 }
  for (const [start, line] of lines.entries()) {
    const opening = OPENING.exec(line)
    if (opening === null || /^\s*(if|for|while|switch|return|else|describe|it|expect)\b/.test(line))
      continue
    // A function's first line ends in its body's brace or its parameters' parenthesis.
    if (!/[{(]$/.test(line)) continue
    const close = `${opening[1]}}`
    let end = start
    while (end < lines.length && lines[end] !== close) end++
    if (end === lines.length || !lines.slice(start, end).some((l) => l.endsWith('{'))) continue
    if (end - start + 1 > longest.lines) {
      longest = { name: opening[2] ?? opening[3] ?? '', lines: end - start + 1 }
    }
  }
  return longest
}

describe('tidy: lengths', () => {
  it('lines are at most 100 characters', () => {
    const wrong = sources.flatMap((file) =>
      read(file)
        .split('\n')
        .flatMap((line, i) => ([...line].length > 100 ? [`${file}:${i + 1}`] : [])),
    )
    expect(wrong).toEqual([])
  })
  it('files are at most 400 lines', () => {
    const wrong = sources
      .map((file) => ({ file, lines: read(file).split('\n').length - 1 }))
      .filter(({ lines }) => lines > 400)
    expect(wrong).toEqual([])
  })
  it('functions are at most 70 lines', () => {
    const wrong = shipped
      .map((file) => ({ file, ...longestFunction(read(file)) }))
      .filter(({ lines }) => lines > 70)
    expect(wrong).toEqual([])
  })
})

describe('tidy: documents', () => {
  const documents = tracked.filter((file) => file.endsWith('.md'))
  it('each has one title', () => {
    const wrong = documents.filter((file) => {
      const prose = read(file).replace(/```[\s\S]*?```/g, '')
      return prose.split('\n').filter((line) => line.startsWith('# ')).length !== 1
    })
    expect(wrong).toEqual([])
  })
  it('every path a document links to exists', () => {
    const wrong: string[] = []
    for (const file of documents) {
      for (const [, target] of read(file).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)) {
        const path = join(root, dirname(file), target!)
        if (!existsSync(path)) wrong.push(`${file} → ${target}`)
      }
    }
    expect(wrong).toEqual([])
  })
  it('every folder of lab/ and each design has a README', () => {
    const folders = new Set(
      shipped.flatMap((file) => {
        const found = /^(lab\/\w+|allocators\/\w+)\//.exec(file)
        return found === null ? [] : [found[1]!]
      }),
    )
    const wrong = [...folders].filter((folder) => !existsSync(join(root, folder, 'README.md')))
    expect(wrong).toEqual([])
  })
})
