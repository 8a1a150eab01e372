/** `arena-lab list`: what there is to run, and what has been run. */
import { Argument, Command } from 'commander'
import { describeTunable } from '../../allocators/parse-tunables.ts'
import { designs } from '../../allocators/registry.ts'
import type { TunableSpec } from '../../allocators/tunables.ts'
import { builtInScenarios } from '../../scenarios/index.ts'
import { storedRuns } from '../report/stored-runs.ts'
import type { Style } from '../report/style.ts'
import { labelledList, wrap } from '../report/table.ts'
import { formatSize } from '../words/sizes.ts'
import { describeParam } from '../workload/params.ts'
import { outColumns, outStyle, print, type Streams } from './streams.ts'

const KINDS = ['scenarios', 'designs', 'runs'] as const
type Kind = (typeof KINDS)[number]

interface ListFlags {
  readonly json: boolean
  readonly dir: string
}

export function listCommand(streams: Streams): Command {
  return new Command('list')
    .summary('list scenarios, allocator designs with their tunables, and past runs')
    .description('Lists scenarios with their parameters, designs with their tunables, and runs.')
    .addArgument(new Argument('[what]', 'what to list; everything by default').choices(KINDS))
    .option('--json', 'print JSON', false)
    .option('--dir <folder>', 'where .arena-lab/ is kept', '.')
    .action(async (what: Kind | undefined, flags: ListFlags) => {
      const kinds = what === undefined ? KINDS : [what]
      const text = flags.json ? listJson(kinds, flags) : listText(kinds, flags, streams)
      await print(streams.out, text)
    })
}

function listText(kinds: readonly Kind[], flags: ListFlags, streams: Streams): string {
  const width = outColumns(streams)
  const style = outStyle(streams)
  const parts: Record<Kind, () => string> = {
    scenarios: () => scenariosText(width, style),
    designs: () => designsText(width, style),
    runs: () => runsText(flags.dir, style),
  }
  return `${kinds.map((kind) => parts[kind]()).join('\n\n')}\n`
}

function scenariosText(width: number, style: Style): string {
  const entries = [...builtInScenarios.values()].map((scenario) => {
    const params = Object.entries(scenario.params).map(([name, spec]) => ({
      label: `-P ${name}=${spec.default}`,
      lines: [`${spec.meaning} (${describeParam(spec)})`],
    }))
    return entryText(scenario.name, scenario.summary, params, width, style)
  })
  return [style.bold('Scenarios: arena-lab run NAME -P parameter=value'), ...entries].join('\n\n')
}

function designsText(width: number, style: Style): string {
  const entries = Object.values(designs).map((design) => {
    const specs = Object.entries(design.tunables as Record<string, TunableSpec>)
    const tunables = specs.map(([name, spec]) => ({
      label: `${name}=${tunableDefault(spec)}`,
      lines: [`${spec.meaning} (${describeTunable(spec)})`, ...aliasLine(spec, style)],
    }))
    return entryText(design.name, design.summary, tunables, width, style)
  })
  const title = 'Designs: arena-lab run SCENARIO -a NAME:tunable=value,…'
  return [style.bold(title), ...entries].join('\n\n')
}

function tunableDefault({ kind, default: value }: TunableSpec): string {
  if (kind === 'flag') return value === 0 ? 'false' : 'true'
  return kind === 'bytes' && value > 0 ? formatSize(value) : `${value}`
}

const aliasLine = ({ aliases }: TunableSpec, style: Style): string[] =>
  aliases.length > 0 ? [style.dim(`also ${aliases.join(', ')}`)] : []

function entryText(
  name: string,
  summary: string,
  details: readonly { label: string; lines: readonly string[] }[],
  width: number,
  style: Style,
): string {
  const head = [style.bold(name), ...wrap(summary, width - 2).map((line) => `  ${line}`)]
  return details.length === 0
    ? head.join('\n')
    : `${head.join('\n')}\n${labelledList(details, width, style)}`
}

function runsText(directory: string, style: Style): string {
  const runs = storedRuns(directory).reverse()
  if (runs.length === 0) return 'Runs: none yet'
  const lines = runs.map(({ name, summary }) => {
    if (summary === undefined) return `  ${name}  ${style.warn('did not end properly')}`
    const outcomes = summary.variants.map(({ variant, outcome }) => `${variant} ${outcome}`)
    return `  ${name}  ${style.dim(outcomes.join(', '))}`
  })
  return [style.bold('Runs, newest first: arena-lab show NAME'), ...lines].join('\n')
}

function listJson(kinds: readonly Kind[], flags: ListFlags): string {
  const parts: Record<Kind, () => unknown> = {
    scenarios: () =>
      [...builtInScenarios.values()].map(({ name, summary, params }) => ({
        name,
        summary,
        params,
      })),
    designs: () =>
      Object.values(designs).map(({ name, summary, tunables }) => ({ name, summary, tunables })),
    runs: () => storedRuns(flags.dir),
  }
  const all = Object.fromEntries(kinds.map((kind) => [kind, parts[kind]()]))
  return `${JSON.stringify(all, null, 2)}\n`
}
