/** `name=value`, as `-P`, `-L` and variants have it. */
import { BadInput, quoted } from './bad-input.ts'

export interface Assignment {
  readonly name: string
  readonly text: string
}

/** Splits at the first `=`; `what` names the kind of thing for the message: `parameter`. */
export function parseAssignment(text: string, what: string): Assignment {
  const equals = text.indexOf('=')
  const name = text.slice(0, Math.max(equals, 0)).trim()
  if (name === '') throw new BadInput(`${what} ${quoted(text)}: expected name=value`)
  const value = text.slice(equals + 1).trim()
  if (value === '') throw new BadInput(`${what} ${quoted(text)}: no value after the =`)
  return { name, text: value }
}

/** 1 and 0 for `true`, `yes`, `on`, `1` and their opposites; undefined for anything else. */
export function parseFlag(text: string): boolean | undefined {
  const word = text.trim().toLowerCase()
  if (word === 'true' || word === 'yes' || word === 'on' || word === '1') return true
  if (word === 'false' || word === 'no' || word === 'off' || word === '0') return false
  return undefined
}

/** A whole number, perhaps negative, of at most 15 digits; undefined for anything else. */
export function parseWhole(text: string): number | undefined {
  return /^\s*-?\d{1,15}\s*$/.test(text) ? Number(text) : undefined
}
