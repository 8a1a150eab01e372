/** Figures as people read them: always with their unit, never more digits than mean something. */

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB

/** Three significant digits at most, thousands apart: `7.12`, `71.2`, `712`, `7 120`. */
export function digits(value: number): string {
  const size = Math.abs(value)
  const places = size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : 2
  return group(value.toFixed(places))
}

/** Thin spaces between thousands, so that 1234567 can be read. */
function group(text: string): string {
  const [whole, part] = text.split('.')
  const grouped = whole!.replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f')
  return part === undefined ? grouped : `${grouped}.${part}`
}

/** A whole count: `12 345`. */
export const count = (value: number): string => group(Math.round(value).toString())

/** Bytes in the binary unit that suits them: `0 B`, `512 KiB`, `712 MiB`, `1.21 GiB`. */
export function bytes(value: number): string {
  const size = Math.abs(value)
  if (size < KIB) return `${count(value)} B`
  if (size < MIB) return `${digits(value / KIB)} KiB`
  if (size < 10 * GIB) return `${digits(value / MIB)} MiB`
  return `${digits(value / GIB)} GiB`
}

/** Nanoseconds in the unit that suits them: `830 ns`, `4.2 µs`, `12 ms`, `3.4 s`. */
export function duration(ns: number): string {
  if (ns < 1e3) return `${count(ns)} ns`
  if (ns < 1e6) return `${digits(ns / 1e3)} µs`
  if (ns < 1e9) return `${digits(ns / 1e6)} ms`
  return `${digits(ns / 1e9)} s`
}

/** Seconds on the run's clock: `0.093 s`, `3.25 s`, `72.0 s`. */
export function seconds(value: number): string {
  const places = value < 1 ? 3 : value < 10 ? 2 : 1
  return value === 0 ? '0 s' : `${value.toFixed(places)} s`
}

/** A count per second: `640 /s`, `1.2 M/s`. */
export function rate(perSecond: number): string {
  if (perSecond >= 1e6) return `${digits(perSecond / 1e6)} M/s`
  if (perSecond >= 1e4) return `${digits(perSecond / 1e3)} k/s`
  return `${digits(perSecond)} /s`
}

/** A share of 1 in percent: `82 %`, `0.4 %`, `< 0.1 %`. */
export function percent(share: number): string {
  const value = share * 100
  if (value > 0 && value < 0.05) return '<\u202f0.1\u202f%'
  return `${value === 0 || value >= 1 ? Math.round(value) : value.toFixed(1)}\u202f%`
}

/** A byte address: `0x7f12a0`. */
export const address = (byte: number): string => `0x${byte.toString(16)}`
