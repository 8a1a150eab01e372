/** From `-P name=value` to the values a scenario's roles get. */
import type { Assignment } from '../words/assignments.ts'
import { parseFlag, parseWhole } from '../words/assignments.ts'
import { BadInput, quoted } from '../words/bad-input.ts'
import { unknownName } from '../words/nearest.ts'
import { formatDuration, formatSize, parseDuration, parseSize } from '../words/sizes.ts'
import type { AnyParams, ParamSpec, Scenario } from './scenario.ts'

/**
 * Every parameter of the scenario: as assigned, else its default; on simulated cores that may be
 * another. Throws `BadInput` for an unknown name, a name given twice, a value of the wrong kind and
 * one outside its range.
 */
export function resolveParams(
  scenario: Scenario,
  assignments: readonly Assignment[],
  simulated = false,
): AnyParams {
  const values: Record<string, number | boolean> = {}
  for (const [name, spec] of Object.entries(scenario.params)) {
    values[name] = simulated ? (spec.simulated ?? spec.default) : spec.default
  }
  const given = new Set<string>()
  for (const { name, text } of assignments) {
    const spec = Object.hasOwn(scenario.params, name) ? scenario.params[name] : undefined
    if (spec === undefined) {
      const names = Object.keys(scenario.params)
      throw unknownName(`parameter of ${scenario.name}`, name, names)
    }
    if (given.has(name)) throw new BadInput(`parameter ${name} is given twice`)
    given.add(name)
    values[name] = parseParam(name, spec, text)
  }
  return values
}

/** One value; `BadInput` says what was wrong and what would do. */
function parseParam(name: string, spec: ParamSpec, text: string): number | boolean {
  const expected = (): BadInput =>
    new BadInput(`parameter ${name}=${quoted(text)}: expected ${describeParam(spec)}`)
  if (typeof spec.default === 'boolean') {
    const flag = parseFlag(text)
    if (flag === undefined) throw expected()
    return flag
  }
  const value = parseInUnit(text, spec.unit)
  if (value === undefined) throw expected()
  if (value < minOf(spec) || value > maxOf(spec)) throw expected()
  return value
}

/** What a parameter accepts: `bytes from 16 to 1GiB`, `true or false`. */
export function describeParam(spec: ParamSpec): string {
  if (typeof spec.default === 'boolean') return 'true or false'
  const min = formatInUnit(minOf(spec), spec.unit)
  const unit = spec.unit === 'ns' ? 'a duration' : spec.unit
  return spec.max === undefined
    ? `${unit}, a whole number of at least ${min}`
    : `${unit}, a whole number from ${min} to ${formatInUnit(spec.max, spec.unit)}`
}

const minOf = (spec: ParamSpec): number => spec.min ?? 0
const maxOf = (spec: ParamSpec): number => spec.max ?? Number.MAX_SAFE_INTEGER

function parseInUnit(text: string, unit: string): number | undefined {
  if (unit === 'bytes') return parseSize(text)
  if (unit === 'ns') return parseDuration(text, 'ns')
  return parseWhole(text)
}

function formatInUnit(value: number, unit: string): string {
  if (unit === 'bytes') return formatSize(value)
  if (unit === 'ns') return formatDuration(value)
  return `${value}`
}
