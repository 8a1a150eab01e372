/** Reads variants as users write them: `glibc:arena_max=1,MALLOC_TRIM_THRESHOLD_=128KiB`. */
import {
  type Assignment,
  parseAssignment,
  parseFlag,
  parseWhole,
} from '../lab/words/assignments.ts'
import { BadInput, quoted } from '../lab/words/bad-input.ts'
import { unknownName } from '../lab/words/nearest.ts'
import { formatSize, parseSize } from '../lab/words/sizes.ts'
import type { TunableSpec, TunableSpecs } from './tunables.ts'

/** What a `-a` option asks for. */
export interface Variant {
  /** As the user wrote it. */
  readonly label: string
  /** Registry name, `native:…`, or the path of a design file. */
  readonly design: string
  readonly assignments: readonly Assignment[]
}

/** Designs whose own name has a colon. */
const NATIVE = 'native:'
/** The variable whose value is itself a list of names and values. */
const GLIBC_TUNABLES = 'GLIBC_TUNABLES'

/**
 * `design`, `design:name=value,…`, `./my-design.ts:name=value` or `native:jemalloc:name=value`.
 * The value of GLIBC_TUNABLES is taken apart into the tunables it names. Throws `BadInput` for an
 * empty design and for assignments that are none; names and values are looked at by
 * `resolveTunables`.
 */
export function parseVariant(text: string): Variant {
  const label = text.trim()
  const colon = label.indexOf(':', searchFrom(label))
  const design = colon < 0 ? label : label.slice(0, colon)
  if (design === '' || design === NATIVE) {
    throw new BadInput(`variant ${quoted(text)}: expected design or design:tunable=value,…`)
  }
  const rest = colon < 0 ? '' : label.slice(colon + 1)
  if (colon >= 0 && rest.trim() === '') {
    throw new BadInput(`variant ${quoted(text)}: expected tunable=value after the colon`)
  }
  const parts = rest === '' ? [] : rest.split(',')
  const what = `variant ${quoted(text)}: tunable`
  const assignments = parts.flatMap((part) => ofTunablesList(parseAssignment(part, what), what))
  return { label, design, assignments }
}

/**
 * `GLIBC_TUNABLES=glibc.malloc.arena_max=1:glibc.malloc.top_pad=0x1000`, with or without the
 * variable's name, is one assignment for each tunable in it; empty places between colons are passed
 * over, and numbers may be hexadecimal or octal, as glibc reads them. Others stay as they are.
 */
function ofTunablesList(assignment: Assignment, what: string): readonly Assignment[] {
  const { name, text } = assignment
  const isBare = name.startsWith('glibc.')
  if (!isBare && name !== GLIBC_TUNABLES) return [assignment]
  const places = (isBare ? `${name}=${text}` : text)
    .split(':')
    .filter((place) => place.trim() !== '')
  if (places.length === 0) throw new BadInput(`${what} ${GLIBC_TUNABLES}: names no tunable`)
  return places.map((place) => {
    const one = parseAssignment(place, isBare ? what : `${what} in ${GLIBC_TUNABLES}`)
    return { name: one.name, text: decimalOf(one.text) }
  })
}

/** `0x1000` and `010` in decimal, as strtoul reads them; other texts unchanged. */
function decimalOf(text: string): string {
  if (/^0x[\da-f]{1,12}$/i.test(text)) return String(Number(text))
  return /^0[0-7]{1,16}$/.test(text) ? String(Number.parseInt(text, 8)) : text
}

/** Where the colon before the tunables may first be: past `native:` or the last slash of a path. */
function searchFrom(label: string): number {
  if (label.startsWith(NATIVE)) return NATIVE.length
  const equals = label.indexOf('=')
  const path = equals < 0 ? label : label.slice(0, equals)
  return path.lastIndexOf('/') + 1
}

/**
 * Every tunable of a design: as assigned, by its key or any of its real names, else its default.
 * Throws `BadInput` for an unknown name, one given twice (under whatever names), and a value of the
 * wrong kind or outside its range.
 */
export function resolveTunables<T extends object>(
  specs: TunableSpecs<T>,
  assignments: readonly Assignment[],
): { readonly [K in keyof T]: number } {
  const entries = Object.entries(specs) as [string, TunableSpec][]
  const keyOf = new Map<string, string>()
  for (const [key, spec] of entries) {
    for (const name of [key, ...spec.aliases]) keyOf.set(name, key)
  }
  const values = new Map(entries.map(([key, spec]) => [key, spec.default]))
  const given = new Map<string, string>()
  for (const { name, text } of assignments) {
    const key = keyOf.get(name)
    if (key === undefined) {
      throw unknownName(
        'tunable',
        name,
        entries.map(([known]) => known),
        [...keyOf.keys()],
      )
    }
    const before = given.get(key)
    if (before !== undefined) {
      const both = before === name ? name : `${before} and ${name}`
      throw new BadInput(`tunable ${key} is given twice (${both})`)
    }
    given.set(key, name)
    values.set(key, parseTunable(name, specs[key as keyof T], text))
  }
  return Object.fromEntries(values) as { [K in keyof T]: number }
}

/** One value; `BadInput` says what was wrong and what would do. */
function parseTunable(name: string, spec: TunableSpec, text: string): number {
  const value = parseOfKind(spec, text)
  if (value === undefined || value < spec.min || value > spec.max) {
    throw new BadInput(`tunable ${name}=${quoted(text)}: expected ${describeTunable(spec)}`)
  }
  return value
}

/** What a tunable accepts: `bytes from 0 to 1GiB, such as 64KiB`, `true or false`, … */
export function describeTunable(spec: TunableSpec): string {
  if (spec.kind === 'flag') return 'true or false'
  if (spec.min === spec.max) return `only ${spec.min}`
  if (spec.kind === 'ratio') return `a number ${rangeText(spec)}`
  if (spec.kind === 'count') return `a whole number ${rangeText(spec)}`
  const example = spec.max < EXAMPLE_BYTES ? '' : `, such as ${formatSize(EXAMPLE_BYTES)}`
  return `bytes ${rangeText(spec)}${example}`
}

/** How sizes are written, shown where so much may be given. */
const EXAMPLE_BYTES = 64 * 1024
/** What a C int and our own numbers hold at most: no limit that anybody need read. */
const NO_LIMITS: readonly number[] = [2 ** 31 - 1, Number.MAX_SAFE_INTEGER]

function rangeText({ kind, min, max }: TunableSpec): string {
  const text = (value: number): string =>
    kind === 'bytes' && value >= 0 ? formatSize(value) : `${value}`
  const from = `from ${text(min)}`
  return NO_LIMITS.includes(max) ? `${from} on` : `${from} to ${text(max)}`
}

function parseOfKind(spec: TunableSpec, text: string): number | undefined {
  if (spec.kind === 'flag') {
    const flag = parseFlag(text)
    return flag === undefined ? undefined : Number(flag)
  }
  if (spec.kind === 'ratio')
    return /^\s*\d{1,9}(\.\d{1,9})?\s*$/.test(text) ? Number(text) : undefined
  const value = spec.kind === 'bytes' ? (parseSize(text) ?? parseWhole(text)) : parseWhole(text)
  // As (size_t) -1 for the real one: `trim_threshold=-1` means the most there is.
  return value === -1 && spec.kind === 'bytes' && spec.min >= 0 ? spec.max : value
}
