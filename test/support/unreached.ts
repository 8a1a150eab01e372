/** What V8's coverage says was never carried out. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

interface Range {
  readonly startOffset: number
  readonly endOffset: number
  readonly count: number
}
interface FileCoverage {
  readonly url: string
  readonly functions: readonly {
    readonly functionName: string
    readonly ranges: readonly Range[]
  }[]
}

export interface UnreachedBranch {
  /** Name of the compiled file. */
  readonly file: string
  readonly function: string
  /** The branch's text, white space joined, cut. */
  readonly branch: string
}

const SHOWN_MAX = 160

/** Branches with count 0 of the files that `wanted` accepts, outermost ones alone. */
export function unreachedBranches(
  folder: string,
  wanted: (url: string) => boolean,
): UnreachedBranch[] {
  const found: UnreachedBranch[] = []
  for (const file of readdirSync(folder)) {
    const { result } = JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as {
      result: readonly FileCoverage[]
    }
    for (const coverage of result.filter(({ url }) => wanted(url))) found.push(...inFile(coverage))
  }
  return found
}

function inFile({ url, functions }: FileCoverage): UnreachedBranch[] {
  const source = readFileSync(fileURLToPath(url), 'utf8')
  const ranges = functions.flatMap(({ functionName, ranges: all }) =>
    all.filter(({ count }) => count === 0).map((range) => ({ ...range, functionName })),
  )
  const isInner = (range: Range): boolean =>
    ranges.some(
      (other) =>
        other.startOffset <= range.startOffset &&
        other.endOffset >= range.endOffset &&
        other.endOffset - other.startOffset > range.endOffset - range.startOffset,
    )
  return ranges
    .filter((range) => !isInner(range))
    .map(({ startOffset, endOffset, functionName }) => ({
      file: url.split('/').at(-1)!,
      function: functionName,
      branch: source.slice(startOffset, endOffset).replace(/\s+/g, ' ').trim().slice(0, SHOWN_MAX),
    }))
}
