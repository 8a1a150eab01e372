/**
 * Sizes and durations as users write and read them. `parse…` and `format…` are exact inverses;
 * `readable…` rounds, for tables and messages. Bytes and nanoseconds, whole numbers to 2^53.
 */
const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 2 ** 10,
  kib: 2 ** 10,
  m: 2 ** 20,
  mib: 2 ** 20,
  g: 2 ** 30,
  gib: 2 ** 30,
  t: 2 ** 40,
  tib: 2 ** 40,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
}
const BINARY_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  min: 60e9,
  h: 3600e9,
}
/** Largest first: what `formatDuration` tries. */
const DURATION_NAMES = ['h', 'm', 's', 'ms', 'us', 'ns'] as const

/**
 * Bytes of `64MiB`, `768 MiB`, `64K`, `1.5GiB`, `10MB` (10^7) or a plain number; undefined when it
 * is no size or no whole number of bytes below 2^53. Case does not matter.
 */
export function parseSize(text: string): number | undefined {
  return parseWithUnit(text, SIZE_UNITS, '')
}

/** The shortest exact text: `64MiB`, `1000`. The inverse of `parseSize`. */
export function formatSize(bytes: number): string {
  for (let power = BINARY_UNITS.length - 1; power > 0; power--) {
    const unit = 1024 ** power
    if (bytes >= unit && bytes % unit === 0) return `${bytes / unit}${BINARY_UNITS[power]}`
  }
  return `${bytes}`
}

/** Three significant figures or so, for people: `1.02 GiB`, `768 MiB`, `312 B`, `-4.00 KiB`. */
export function readableSize(bytes: number): string {
  const magnitude = Math.abs(bytes)
  let power = 0
  // 1023.5 would be printed as 1024: it belongs to the next unit.
  while (power < BINARY_UNITS.length - 1 && magnitude / 1024 ** power >= 1023.5) power++
  if (power === 0) return `${Math.round(bytes)} B`
  return `${threeFigures(bytes / 1024 ** power)} ${BINARY_UNITS[power]}`
}

/**
 * Nanoseconds of `10s`, `5m`, `250ms`, `1.5h`, `40us`; undefined when it is no duration. A number
 * without a unit is taken in `plainUnit`, and refused when none is given (0 needs no unit).
 */
export function parseDuration(text: string, plainUnit?: 's' | 'ms' | 'ns'): number | undefined {
  const ns = parseWithUnit(text, DURATION_UNITS, plainUnit)
  return ns === undefined && text.trim() === '0' ? 0 : ns
}

/** The shortest exact text: `10s`, `250ms`, `5m`. The inverse of `parseDuration`. */
export function formatDuration(ns: number): string {
  for (const name of DURATION_NAMES) {
    const unit = DURATION_UNITS[name]!
    if (ns >= unit && ns % unit === 0) return `${ns / unit}${name}`
  }
  return `${ns}ns`
}

/** For people: `1.25 s`, `350 µs`, `40 ns`, `2 min 5 s`. */
export function readableDuration(ns: number): string {
  if (ns >= 59.95e9) {
    const seconds = Math.round(ns / 1e9)
    if (seconds >= 3600)
      return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`
    return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  }
  if (ns >= 999.5e6) return `${threeFigures(ns / 1e9)} s`
  if (ns >= 999.5e3) return `${threeFigures(ns / 1e6)} ms`
  if (ns >= 999.5) return `${threeFigures(ns / 1e3)} µs`
  return `${Math.round(ns)} ns`
}

function threeFigures(value: number): string {
  const magnitude = Math.abs(value)
  if (magnitude >= 99.95) return value.toFixed(0)
  return value.toFixed(magnitude >= 9.995 ? 1 : 2)
}

function parseWithUnit(
  text: string,
  units: Readonly<Record<string, number>>,
  plainUnit: string | undefined,
): number | undefined {
  const match = /^\s*(\d+)(?:\.(\d+))?\s*(\p{L}*)\s*$/u.exec(text)
  if (match === null) return undefined
  const [, whole = '', fraction = '', name = ''] = match
  const unitName = name === '' ? plainUnit : name.toLowerCase()
  if (unitName === undefined || !Object.hasOwn(units, unitName)) return undefined
  const value = exactProduct(whole, fraction, units[unitName]!)
  return value !== undefined && Number.isSafeInteger(value) ? value : undefined
}

/** `whole.fraction` × unit as a whole number; undefined when it is none. */
function exactProduct(whole: string, fraction: string, unit: number): number | undefined {
  if (whole.length + fraction.length > 40) return undefined
  const scale = 10n ** BigInt(fraction.length)
  const scaled = BigInt(whole + fraction) * BigInt(unit)
  return scaled % scale === 0n ? Number(scaled / scale) : undefined
}
