/** What kinds of traces the generator makes: sizes and how often each op comes. */
import { KIB, MIB } from '../../words/units.ts'
import { type SizeMix, sizeMix } from '../size-mix.ts'

/** Weights of ops; of each, so many parts of their sum. */
interface OpWeights {
  readonly malloc: number
  readonly calloc: number
  readonly realloc: number
  readonly memalign: number
  readonly free: number
  readonly write: number
  readonly trim: number
  readonly exit: number
}

export interface Profile {
  readonly sizes: SizeMix
  readonly weights: OpWeights
  /** Frees of another thread's block, in a thousand. */
  readonly remotePermille: number
  /** Ops a thread does before another one's turn, at most. */
  readonly turnOpsMax: number
  /** Live blocks are not raised above it. */
  readonly blocksMax: number
}

/** tcache holds requests up to 1032 bytes, fastbins (without tcache) up to 120. */
const CACHED: readonly { weight: number; low: number; high: number }[] = [
  { weight: 2, low: 0, high: 24 },
  { weight: 20, low: 25, high: 120 },
  { weight: 30, low: 121, high: 600 },
  { weight: 15, low: 601, high: 1032 },
]
/** Large bins begin at 1008 bytes; the last small ones and the first large ones are neighbours. */
const BINNED: readonly { weight: number; low: number; high: number }[] = [
  { weight: 10, low: 900, high: 1200 },
  { weight: 12, low: 1201, high: 4 * KIB },
  { weight: 8, low: 4 * KIB + 1, high: 16 * KIB },
  { weight: 4, low: 16 * KIB + 1, high: 64 * KIB },
  { weight: 2, low: 64 * KIB + 1, high: 128 * KIB },
]
/** Requests from 128 KiB are mapped, until the dynamic threshold rises: at most to 32 MiB. */
const MAPPED: readonly { weight: number; low: number; high: number }[] = [
  { weight: 4, low: 127 * KIB, high: 140 * KIB },
  { weight: 4, low: 140 * KIB, high: 600 * KIB },
  { weight: 2, low: 600 * KIB, high: 4 * MIB },
]

const scaled = (
  rows: readonly { weight: number; low: number; high: number }[],
  factor: number,
): { weight: number; low: number; high: number }[] =>
  rows.map(({ weight, low, high }) => ({ weight: weight * factor, low, high }))

const WEIGHTS: OpWeights = {
  malloc: 3200,
  calloc: 500,
  realloc: 700,
  memalign: 200,
  free: 3600,
  write: 900,
  trim: 2,
  exit: 2,
}

export const PROFILES = {
  small: {
    sizes: sizeMix([...scaled(CACHED, 60), ...scaled(BINNED, 2)]),
    weights: WEIGHTS,
    remotePermille: 150,
    turnOpsMax: 60,
    blocksMax: 40_000,
  },
  mixed: {
    sizes: sizeMix([...scaled(CACHED, 60), ...scaled(BINNED, 40), ...scaled(MAPPED, 3)]),
    weights: WEIGHTS,
    remotePermille: 200,
    turnOpsMax: 40,
    blocksMax: 20_000,
  },
  large: {
    sizes: sizeMix([
      ...scaled(CACHED, 10),
      ...scaled(BINNED, 40),
      ...scaled(MAPPED, 20),
      { weight: 4, low: 4 * MIB, high: 33 * MIB },
    ]),
    weights: { ...WEIGHTS, realloc: 1200, memalign: 400, trim: 4 },
    remotePermille: 200,
    turnOpsMax: 20,
    blocksMax: 4_000,
  },
  remote: {
    sizes: sizeMix([...scaled(CACHED, 60), ...scaled(BINNED, 40), ...scaled(MAPPED, 1)]),
    weights: WEIGHTS,
    remotePermille: 900,
    turnOpsMax: 12,
    blocksMax: 20_000,
  },
  churn: {
    sizes: sizeMix([...scaled(CACHED, 60), ...scaled(BINNED, 20), ...scaled(MAPPED, 1)]),
    weights: { ...WEIGHTS, exit: 60 },
    remotePermille: 300,
    turnOpsMax: 40,
    blocksMax: 10_000,
  },
} as const satisfies Record<string, Profile>

export type ProfileName = keyof typeof PROFILES
export const PROFILE_NAMES = Object.keys(PROFILES) as readonly ProfileName[]
