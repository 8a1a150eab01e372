/**
 * What was published for the classic stress programs, shown beside a sweep of the same scenario.
 * Other machines, other compilers: orders and shapes are to be compared, not figures.
 */

/** A published curve: M ops a second by cores. */
interface PublishedCurve {
  readonly allocator: string
  /** Our design of the same allocator, where there is one. */
  readonly design: string | undefined
  readonly points: readonly (readonly [cores: number, millionOps: number])[]
}

interface Published {
  readonly title: string
  readonly curves: readonly PublishedCurve[]
}

const CURVES: Readonly<Record<string, Published>> = {
  larson: {
    title: 'larson on 192 cores: M replacements a second',
    curves: [
      {
        allocator: 'glibc',
        design: 'glibc',
        points: [
          [64, 939],
          [128, 1578],
          [192, 1488],
        ],
      },
      {
        allocator: 'jemalloc',
        design: 'jemalloc',
        points: [
          [64, 1172],
          [128, 2151],
          [192, 2464],
        ],
      },
      {
        allocator: 'mimalloc',
        design: 'mimalloc',
        points: [
          [64, 1453],
          [128, 2810],
          [192, 3343],
        ],
      },
      {
        allocator: 'Hoard',
        design: 'hoard',
        points: [
          [64, 1049],
          [128, 1932],
          [192, 1823],
        ],
      },
    ],
  },
  xmalloc: {
    title: 'xmalloc on 32 cores: M frees a second',
    curves: [
      { allocator: 'glibc', design: 'glibc', points: [[32, 92]] },
      { allocator: 'gperftools', design: 'tcmalloc', points: [[32, 2.5]] },
    ],
  },
}

/** Relative time at 72 hardware threads, mimalloc = 1: lower is better. By our designs' names. */
const RELATIVE_72: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  larson: { mimalloc: 1, tcmalloc: 1.07, jemalloc: 1.11, hoard: 2.56, glibc: 1.53 },
  xmalloc: { mimalloc: 1, tcmalloc: 380, jemalloc: 11.7, hoard: 38.5, glibc: 5.56 },
  'cache-scratch': { mimalloc: 1, tcmalloc: 17.1, jemalloc: 17.3, hoard: 12.8, glibc: 6.07 },
}

/** Ops of ours in one published op: larson counts replacements, xmalloc frees. */
export const OPS_PER_PUBLISHED: Readonly<Record<string, number>> = { larson: 3, xmalloc: 2 }

export const publishedCurves = (scenario: string): Published | undefined => CURVES[scenario]
export const publishedRelative = (scenario: string): Readonly<Record<string, number>> | undefined =>
  RELATIVE_72[scenario]
