/** The summary in a terminal: made to be understood at a glance, at three in the morning. */
import type { SimulationFigures } from '../machine/types.ts'
import type { RunSummary, VariantSummary } from '../metrics/types.ts'
import { formatSize, readableDuration } from '../words/sizes.ts'
import { compact, counted, grouped, latency, mib, NONE, percent, ratio } from './figures.ts'
import { strandedBytes, strandedLines } from './stranded.ts'
import type { Style } from './style.ts'
import { type Column, figureTable, labelledList, wrap } from './table.ts'
import { comparison, variantVerdict } from './verdict.ts'

interface Row {
  readonly label: string
  cell(variant: VariantSummary, run: RunSummary): string
}

const ROWS: readonly Row[] = [
  { label: 'peak RSS', cell: ({ rss }) => mib(rss.max) },
  { label: 'RSS at the end', cell: ({ rss }) => mib(rss.end) },
  { label: 'live at the end', cell: ({ live }) => mib(live.end) },
  { label: 'RSS ÷ live', cell: ({ rss, live }) => ratio(rss.end, live.end) },
  { label: 'stranded', cell: strandedCell },
  { label: 'VmSize, peak', cell: ({ vmSize }) => mib(vmSize.max) },
  { label: 'arenas', cell: ({ arenas }) => grouped(arenas) },
  { label: 'remote frees', cell: ({ remoteFrees, frees }) => percent(remoteFrees, frees) },
  { label: 'lock wait', cell: ({ lockWaitNs }) => readableDuration(lockWaitNs) },
  { label: 'minor faults', cell: ({ minorFaults }) => grouped(minorFaults) },
  { label: 'system calls', cell: ({ systemCalls }) => grouped(sum(Object.values(systemCalls))) },
  { label: 'malloc, 99 %', cell: ({ latencyNs: { malloc } }) => latency(malloc.p99, malloc.timed) },
  { label: 'ops/s', cell: ({ opsPerSecond }) => compact(opsPerSecond) },
  { label: 'time', cell: ({ seconds }) => `${seconds.toFixed(1)} s` },
]

/** What only a simulation knows. */
const SIMULATED_ROWS: readonly Row[] = [
  { label: 'context switches', cell: simulated(({ contextSwitches }) => contextSwitches) },
  { label: 'lines moved', cell: simulated(({ lineTransfers }) => lineTransfers) },
  { label: 'active false sharing', cell: simulated(({ activeSharing }) => activeSharing) },
  { label: 'passive false sharing', cell: simulated(({ passiveSharing }) => passiveSharing) },
]

function simulated(figure: (of: SimulationFigures) => number): Row['cell'] {
  return ({ simulation }) => (simulation === undefined ? NONE : grouped(figure(simulation)))
}

const rowsOf = ({ variants }: RunSummary): readonly Row[] =>
  variants.some(({ simulation }) => simulation !== undefined) ? [...ROWS, ...SIMULATED_ROWS] : ROWS

/** Phase marks shown before lines are left out. */
const PHASES_SHOWN = 24

/** The whole summary, ending in a line break. `width` in columns. */
export function summaryText(run: RunSummary, width: number, style: Style): string {
  const labels = rowsOf(run).map(({ label }) => label)
  const columns = run.variants.map((variant) => figureColumn(variant, run, style))
  const figures = columns.length > 0 ? [figureTable(labels, columns, width, style)] : []
  const parts = [heading(run, style), ...figures, ...phaseTable(run, width, style)]
  if (run.variants.length > 0) {
    parts.push(section('Where the stranded bytes are', strandedEntries(run), width, style))
    parts.push(section('Verdict', verdictEntries(run, style), width, style))
  }
  parts.push(...closing(run, width, style))
  return `${parts.join('\n\n')}\n`
}

/** `seedservice · threads machine · 2 cores · seed 42 · memory limit 768MiB`. */
function headingText(run: RunSummary): string {
  const params = Object.entries(run.params).map(([name, value]) => `${name}=${value}`)
  return [
    run.scenario,
    ...(params.length > 0 ? [params.join(' ')] : []),
    `${run.machine} machine`,
    ...costsTexts(run),
    counted(run.cores, 'core'),
    ...limitTexts(run),
    `seed ${run.seed}`,
  ].join(' · ')
}

/** Which cost table a simulation went by. */
function costsTexts({ variants }: RunSummary): string[] {
  const costs = variants[0]?.simulation?.costs
  return costs === undefined ? [] : [`costs ${costs}`]
}

function heading(run: RunSummary, style: Style): string {
  const [name = '', ...rest] = headingText(run).split(' · ')
  return [style.bold(name), ...rest].join(' · ')
}

function limitTexts(run: RunSummary): string[] {
  const { memoryLimit, addressSpaceLimit, overcommitMemory, overcommitRatio } = run.limits
  const texts: string[] = []
  if (memoryLimit != null) texts.push(`memory limit ${formatSize(memoryLimit)}`)
  if (addressSpaceLimit != null) texts.push(`address-space limit ${formatSize(addressSpaceLimit)}`)
  if (overcommitMemory) {
    const ratioText = overcommitMemory === 2 ? `, ratio ${overcommitRatio} %` : ''
    texts.push(`overcommit_memory ${overcommitMemory}${ratioText}`)
  }
  return texts
}

function figureColumn(variant: VariantSummary, run: RunSummary, style: Style): Column {
  const cells = rowsOf(run).map((row) => row.cell(variant, run))
  // The two figures that decide get the colour of the outcome.
  const paint = variant.outcome === 'completed' ? style.bold : style.bad
  cells[0] = paint(cells[0]!)
  return { heading: variant.variant, cells }
}

function strandedCell({ anatomy, anatomyAt }: VariantSummary): string {
  return anatomyAt === null ? NONE : mib(strandedBytes(anatomy))
}

/** RSS and RSS ÷ live at each phase mark, one column per variant. */
function phaseTable(run: RunSummary, width: number, style: Style): string[] {
  const longest = run.variants.reduce<VariantSummary | undefined>(
    (best, v) => (v.phases.length > (best?.phases.length ?? 0) ? v : best),
    undefined,
  )
  if (longest === undefined || longest.phases.length < 2) return []
  const rows = spread(longest.phases.length, PHASES_SHOWN)
  const columns = run.variants.map((variant) => ({
    heading: variant.variant,
    cells: rows.map((row) => phaseCell(variant, row, style)),
  }))
  const labels = rows.map((row) => longest.phases[row]!.label)
  const left = longest.phases.length - rows.length
  const note = left > 0 ? style.dim(` (${counted(left, 'phase')} left out)`) : ''
  const title = `${style.bold('RSS, and ÷ live, at each phase mark')}${note}`
  return [`${title}\n${figureTable(labels, columns, width, style)}`]
}

function phaseCell(variant: VariantSummary, row: number, style: Style): string {
  const phase = variant.phases[row]
  if (phase !== undefined) return `${mib(phase.rss)}  ${ratio(phase.rss, phase.live).padStart(5)}`
  const ended = row === variant.phases.length && variant.outcome !== 'completed'
  return ended ? style.bad(variant.outcome) : ''
}

/** `count` places evenly thinned out to `most`, first and last kept. */
function spread(count: number, most: number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, place) => place)
  const step = (count - 1) / (most - 1)
  return Array.from({ length: most }, (_, place) => Math.round(place * step))
}

function section(
  title: string,
  entries: readonly { label: string; lines: readonly string[] }[],
  width: number,
  style: Style,
): string {
  return `${style.bold(title)}\n${labelledList(entries, width, style)}`
}

const strandedEntries = (run: RunSummary) =>
  run.variants.map((variant) => ({ label: variant.variant, lines: strandedLines(variant) }))

function verdictEntries(run: RunSummary, style: Style) {
  return run.variants.map((variant) => {
    const paint = variant.outcome === 'completed' ? style.good : style.bad
    const [, ...details] = variant.message.split('\n')
    // A run that ended by a broken invariant has the first one for its message.
    const broken = variant.violations
      .filter(({ where }) => !variant.message.includes(where))
      .slice(0, 3)
      .map(({ invariant, where }) => style.bad(`also broken: ${invariant} (${where})`))
    return {
      label: variant.variant,
      lines: [paint(variantVerdict(run, variant)), ...details, ...broken],
    }
  })
}

/** What the comparison says, what the user was told on the way, and where the results lie. */
function closing(run: RunSummary, width: number, style: Style): string[] {
  const said = comparison(run).flatMap((line) =>
    wrap(line, width - 2).map((part, place) => style.bold(`${place === 0 ? '→' : ' '} ${part}`)),
  )
  const notices = [...new Set(run.variants.flatMap(({ notices: own }) => own))]
  const notes = notices.map((notice) => style.warn(`note: ${notice}`))
  const folder = run.folder === null ? [] : [style.dim(`Results: ${run.folder}`)]
  // Not wrapped: it is there to be copied.
  const replays = run.variants.flatMap(({ explored }) =>
    explored?.replay === undefined ? [] : [`${style.bold('Again:')} ${explored.replay}`],
  )
  const accounts = run.variants.map(({ variant, explored }) =>
    explored?.account === undefined
      ? []
      : [
          style.bold(`How it came about, ${variant} (T3: lab thread 3)`),
          ...explored.account.map((line) => `  ${line}`),
        ],
  )
  return [...accounts, said, notes, replays, folder]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
}

const sum = (figures: readonly number[]): number => figures.reduce((total, one) => total + one, 0)
