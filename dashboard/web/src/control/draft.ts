/**
 * The form's values: taken apart, put together and checked, by the functions that the command line
 * checks them with, so that both say the same.
 */
import { parseVariant, resolveTunables } from '../../../../allocators/parse-tunables.ts'
import type { TunableSpec } from '../../../../allocators/tunables.ts'
import { messageOf } from '../../../../lab/words/bad-input.ts'
import {
  formatDuration,
  formatSize,
  parseDuration,
  parseSize,
} from '../../../../lab/words/sizes.ts'
import { resolveParams } from '../../../../lab/workload/params.ts'
import type { ParamSpec, Scenario } from '../../../../lab/workload/scenario.ts'
import type { Catalogue, DesignEntry, ScenarioEntry } from '../../../catalogue.ts'
import type { RunSetup } from '../../../setup.ts'

/** A variant of the form: a design, and texts by tunable. */
export interface VariantDraft {
  readonly design: string
  readonly values: Readonly<Record<string, string>>
}

/** Reads `glibc:arena_max=1`. What makes no sense is left out; `problemOfVariant` tells of it. */
export function draftOf(text: string, designs: readonly DesignEntry[]): VariantDraft {
  const [name = ''] = text.split(':')
  const entry = designs.find((design) => design.name === name)
  const values: Record<string, string> = {}
  try {
    for (const assignment of parseVariant(text).assignments) {
      values[keyOf(entry, assignment.name)] = assignment.text
    }
  } catch {
    // The text says no variant: an empty draft of its design.
  }
  return { design: name, values }
}

/** A tunable's own name, whichever of its names was used. */
function keyOf(design: DesignEntry | undefined, name: string): string {
  const found = Object.entries(design?.tunables ?? {}).find(([, { aliases }]) =>
    aliases.includes(name),
  )
  return found?.[0] ?? name
}

/** The draft as `-a` takes it. A comma would begin the next tunable. */
export function variantText({ design, values }: VariantDraft): string {
  const given = Object.entries(values)
    .map(([name, value]) => [name, value.replaceAll(',', '').trim()] as const)
    .filter(([, value]) => value !== '')
  return given.length === 0
    ? design
    : `${design}:${given.map(([name, value]) => `${name}=${value}`).join()}`
}

/** What is wrong with a value; empty when nothing is, or when there is none. */
export function problemOfTunable(design: DesignEntry, name: string, value: string): string {
  if (value === '') return ''
  return complaint(() => resolveTunables(design.tunables, [{ name, text: value }]))
}

export function problemOfVariant(text: string, designs: readonly DesignEntry[]): string {
  return complaint(() => {
    const { design, assignments } = parseVariant(text)
    const entry = designs.find(({ name }) => name === design)
    if (entry === undefined) throw new Error(`There is no design ${design} here.`)
    resolveTunables(entry.tunables, assignments)
  })
}

/** The text of a parameter, empty for its default. */
export function paramText(params: readonly string[], name: string): string {
  return params.find((param) => param.startsWith(`${name}=`))?.slice(name.length + 1) ?? ''
}

export function withParam(params: readonly string[], name: string, value: string): string[] {
  const others = params.filter((param) => !param.startsWith(`${name}=`))
  return value.trim() === '' ? others : [...others, `${name}=${value.trim()}`]
}

export function problemOfParam(scenario: ScenarioEntry, name: string, value: string): string {
  if (value === '') return ''
  // Only its name and its parameters are read.
  return complaint(() => resolveParams(scenario as Scenario, [{ name, text: value }]))
}

/** Options that are no tunable and no parameter. */
type PlainOption = 'memoryLimit' | 'addressSpaceLimit' | 'cores' | 'seed' | 'seconds'

export function problemOfOption(option: PlainOption, value: string): string {
  if (value === '') return ''
  if (option === 'seconds') {
    return (parseDuration(value, 's') ?? 0) > 0 ? '' : 'expected a duration such as 10s'
  }
  if (option === 'cores' || option === 'seed') {
    const least = option === 'cores' ? 1 : 0
    const most = option === 'cores' ? 1024 : 2 ** 31 - 1
    const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN
    return number >= least && number <= most ? '' : `expected a whole number, ${least} to ${most}`
  }
  return (parseSize(value) ?? 0) > 0 ? '' : 'expected a size such as 768MiB'
}

/** How many values of the form would be refused. */
export function problemsOf(setup: RunSetup, { scenarios, designs }: Catalogue): number {
  const scenario = scenarios.find(({ name }) => name === setup.scenario)
  const options = ['memoryLimit', 'addressSpaceLimit', 'cores', 'seed', 'seconds'] as const
  const params = setup.params.map((param) => {
    const equals = param.indexOf('=')
    return scenario === undefined
      ? 'no such scenario'
      : problemOfParam(scenario, param.slice(0, equals), param.slice(equals + 1))
  })
  return [
    ...(scenario === undefined ? ['no such scenario'] : []),
    ...params,
    ...setup.variants.map((variant) => problemOfVariant(variant, designs)),
    ...options.map((option) => problemOfOption(option, setup[option])),
  ].filter((problem) => problem !== '').length
}

/** The part of a complaint after the value it is about: the value is in the field. */
function complaint(check: () => unknown): string {
  try {
    check()
    return ''
  } catch (error) {
    const text = messageOf(error)
    return /'.*': (expected .*)/.exec(text)?.[1] ?? text
  }
}

/** A default as the field would take it. */
export function tunableDefault({ kind, default: value }: TunableSpec): string {
  if (kind === 'flag') return value === 0 ? 'false' : 'true'
  return kind === 'bytes' && value > 0 ? formatSize(value) : `${value}`
}

export function paramDefault({ default: value, unit }: ParamSpec): string {
  if (typeof value === 'boolean') return `${value}`
  if (unit === 'bytes') return formatSize(value)
  return unit === 'ns' ? formatDuration(value) : `${value}`
}
