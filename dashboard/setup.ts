/**
 * What a run is set up to be, as the start page holds it: texts as a user writes them. One setup
 * has three forms that say the same: the message that starts it, the link that brings the page back
 * to it, and the command line that does the same in a terminal. Values are looked at by the command
 * line's own parser; here only their number and length are bounded.
 */
import * as v from 'valibot'
import { formatSize } from '../lab/words/sizes.ts'

/** Designs or variants that one run may compare on the page. */
export const VARIANTS_MAX = 4
const PARAMS_MAX = 64

/** Nothing that ends a line or a text: what is written must be one word of a command line. */
const word = (max: number) =>
  v.pipe(v.string(), v.maxLength(max), v.regex(/^[^\p{C}]*$/u, 'control characters'))

/** Empty texts are options that are not given. */
export const RunSetup = v.strictObject({
  scenario: word(80),
  /** As `-a` takes them: `glibc:arena_max=1`. */
  variants: v.pipe(v.array(word(2000)), v.minLength(1), v.maxLength(VARIANTS_MAX)),
  /** As `-P` takes them: `days=4`. */
  params: v.pipe(v.array(word(120)), v.maxLength(PARAMS_MAX)),
  machine: word(20),
  memoryLimit: word(40),
  addressSpaceLimit: word(40),
  cores: word(20),
  seed: word(20),
  seconds: word(20),
  lockstep: v.boolean(),
  traceWaits: v.boolean(),
})
export type RunSetup = v.InferOutput<typeof RunSetup>

/** What the page shows first: the run that the lab is there for. */
export const FIRST_SETUP: RunSetup = {
  scenario: 'seedservice',
  variants: ['glibc', 'glibc:arena_max=1'],
  params: [],
  machine: 'threads',
  memoryLimit: '768MiB',
  addressSpaceLimit: '',
  cores: '',
  seed: '',
  seconds: '',
  lockstep: true,
  traceWaits: false,
}

/** Options with a value, by their field: one list for the command line and the link. */
const OPTIONS = [
  ['machine', 'machine'],
  ['memory-limit', 'memoryLimit'],
  ['address-space-limit', 'addressSpaceLimit'],
  ['cores', 'cores'],
  ['seed', 'seed'],
  ['seconds', 'seconds'],
] as const satisfies readonly (readonly [string, keyof RunSetup])[]
const FLAGS = [
  ['lockstep', 'lockstep'],
  ['trace-waits', 'traceWaits'],
] as const satisfies readonly (readonly [string, keyof RunSetup])[]
/** Values that need not be said: `arena-lab run` takes them by itself. */
const IMPLIED: Readonly<Record<string, string>> = { machine: 'threads', seed: '1' }

/** The arguments of `arena-lab` that run this setup. */
export function argumentsOf(setup: RunSetup): string[] {
  const words = ['run', setup.scenario]
  for (const variant of setup.variants) words.push('-a', variant)
  for (const param of setup.params) words.push('-P', param)
  for (const [option, field] of OPTIONS) {
    const value = setup[field]
    if (value !== '' && value !== IMPLIED[option]) words.push(`--${option}`, value)
  }
  const several = setup.variants.length > 1
  for (const [option, field] of FLAGS) {
    if (setup[field] && (field !== 'lockstep' || several)) words.push(`--${option}`)
  }
  return words
}

/** The arguments as one line for a shell. */
export function commandLine(words: readonly string[]): string {
  return ['arena-lab', ...words].map(shellWord).join(' ')
}

const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`

/** The part of a link behind `#` that brings the start page back to this setup. */
export function queryOf(setup: RunSetup): string {
  const query = new URLSearchParams({ scenario: setup.scenario })
  for (const variant of setup.variants) query.append('a', variant)
  for (const param of setup.params) query.append('P', param)
  for (const [option, field] of OPTIONS) {
    if (setup[field] !== '' && setup[field] !== IMPLIED[option]) query.set(option, setup[field])
  }
  for (const [option, field] of FLAGS) if (setup[field]) query.set(option, 'true')
  // Signs that may stand in a fragment stay readable.
  return query.toString().replace(/%3A/g, ':').replace(/%2C/g, ',').replace(/%3D/g, '=')
}

/** What a link says; undefined when it says no setup. What is not given is as `run` takes it. */
export function setupOfQuery(text: string): RunSetup | undefined {
  const query = new URLSearchParams(readable(text))
  const scenario = query.get('scenario')
  if (scenario === null) return undefined
  const variants = query.getAll('a').slice(0, VARIANTS_MAX)
  const setup = {
    ...FIRST_SETUP,
    memoryLimit: '',
    scenario,
    variants: variants.length > 0 ? variants : ['glibc'],
    params: lastOfEach(query.getAll('P')).slice(0, PARAMS_MAX),
  }
  for (const [option, field] of OPTIONS) setup[field] = query.get(option) ?? setup[field]
  for (const [option, field] of FLAGS) setup[field] = query.get(option) === 'true'
  const checked = v.safeParse(RunSetup, setup)
  return checked.success ? checked.output : undefined
}

/** The form has one field for each parameter: of several values the last one stands. */
const lastOfEach = (params: readonly string[]): string[] => [
  ...new Map(params.map((param) => [param.split('=')[0], param])).values(),
]

/** What a run is or was to be. Limits in bytes, null for none. */
export interface RanAs {
  readonly scenario: string
  readonly machine: string
  readonly cores: number
  readonly seed: number
  readonly params: Readonly<Record<string, number | boolean>>
  readonly limits: Readonly<Record<string, number | null>>
}

/** The setup that runs it again. */
export function setupOfRun(run: RanAs, variants: readonly string[]): RunSetup {
  const bytes = (limit: number | null | undefined): string =>
    limit === null || limit === undefined ? '' : formatSize(limit)
  return {
    ...FIRST_SETUP,
    scenario: run.scenario,
    variants: variants.slice(0, VARIANTS_MAX),
    params: Object.entries(run.params).map(([name, value]) => `${name}=${value}`),
    machine: run.machine,
    memoryLimit: bytes(run.limits['memoryLimit']),
    addressSpaceLimit: bytes(run.limits['addressSpaceLimit']),
    cores: `${run.cores}`,
    seed: `${run.seed}`,
  }
}

/** A value may itself have a `=` that was left readable: only the first one separates. */
function readable(text: string): [string, string][] {
  return text
    .replace(/^#/, '')
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const equals = part.indexOf('=')
      const name = equals < 0 ? part : part.slice(0, equals)
      return [decoded(name), decoded(equals < 0 ? '' : part.slice(equals + 1))]
    })
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}
