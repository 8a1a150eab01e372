/** Reads the values of options; each throws `BadInput` that says what would do. */

import { MACHINE_NAMES, type MachineName } from '../machine/types.ts'
import { OUTPUT_KINDS, type OutputRequest } from '../session/types.ts'
import { BadInput, quoted } from '../words/bad-input.ts'
import { unknownName } from '../words/nearest.ts'
import { parseDuration, parseSize } from '../words/sizes.ts'

const NS_PER_SECOND = 1e9

/** Bytes, at least 1. */
export const sizeOption =
  (option: string) =>
  (text: string): number => {
    const bytes = parseSize(text)
    if (bytes !== undefined && bytes > 0) return bytes
    throw new BadInput(`${option} ${quoted(text)}: expected a size such as 768MiB`)
  }

/** A whole number of a range. */
export const countOption =
  (option: string, min: number, max: number) =>
  (text: string): number => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    throw new BadInput(`${option} ${quoted(text)}: expected a whole number from ${min} to ${max}`)
  }

/** Seconds of `10`, `10s`, `500ms`, `2m`. */
export const secondsOption =
  (option: string) =>
  (text: string): number => {
    const ns = parseDuration(text, 's')
    if (ns !== undefined && ns > 0) return ns / NS_PER_SECOND
    throw new BadInput(`${option} ${quoted(text)}: expected a duration such as 10s`)
  }

/** A machine that carries out scenarios. */
export function machineOption(text: string): MachineName {
  const machine = MACHINE_NAMES.find((known) => known === text)
  if (machine === undefined) throw unknownName('machine', text, MACHINE_NAMES)
  return machine
}

/** `kind=FILE`. */
export function outputOption(text: string): OutputRequest {
  const equals = text.indexOf('=')
  const kind = OUTPUT_KINDS.find((known) => known === text.slice(0, Math.max(0, equals)))
  if (kind === undefined && equals > 0) {
    throw unknownName('kind of output', text.slice(0, equals), OUTPUT_KINDS)
  }
  const path = text.slice(equals + 1)
  if (kind !== undefined && path !== '') return { kind, path }
  throw new BadInput(`--out ${quoted(text)}: expected ${OUTPUT_KINDS.join(' | ')}=FILE`)
}

/** For options that may be given several times: `read` each, in order. */
export const repeated =
  <T>(read: (text: string) => T) =>
  (text: string, before: readonly T[] | undefined): readonly T[] => [...(before ?? []), read(text)]
