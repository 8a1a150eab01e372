/**
 * Checks a Chrome trace-event file against the "Trace Event Format" document, more strictly than
 * viewers do: they draw what they understand and say nothing about the rest.
 */

type Loose = Readonly<Record<string, unknown>>

const METADATA = ['process_name', 'process_sort_index', 'thread_name', 'thread_sort_index']

/** What is wrong, one line each; empty for a file that a viewer shows whole. */
export function traceEventProblems(text: string): string[] {
  const file = JSON.parse(text) as Loose
  const problems: string[] = []
  const events = file['traceEvents']
  if (!Array.isArray(events)) return ['traceEvents is no list']
  for (const [place, event] of (events as Loose[]).entries()) {
    for (const problem of problemsOf(event)) problems.push(`event ${place}: ${problem}`)
  }
  problems.push(...namelessTracks(events as Loose[]))
  const slices = (events as Loose[]).filter(({ ph }) => ph === 'X')
  return [...problems, ...nestingProblems(slices), ...flowProblems(events as Loose[], slices)]
}

const isTime = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0
const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''

function problemsOf(event: Loose): string[] {
  const { ph, pid, tid, name, cat, ts, dur, args, s, id, bp } = event
  const found: string[] = []
  const must = (holds: boolean, what: string): void => {
    if (!holds) found.push(`${String(ph)} ${String(name)}: ${what}`)
  }
  must(Number.isInteger(pid) && Number.isInteger(tid), 'pid and tid must be whole numbers')
  must(isText(name), 'no name')
  must(typeof args === 'object' && args !== null, 'no args')
  if (ph === 'M') {
    must(METADATA.includes(String(name)), 'an unknown name of metadata')
    const { name: text, sort_index: index } = (args ?? {}) as Loose
    must(String(name).endsWith('_name') ? isText(text) : Number.isInteger(index), 'args are wrong')
    return found
  }
  must(isTime(ts), `ts ${String(ts)} is no time`)
  if (ph === 'C') {
    const values = Object.values((args ?? {}) as Loose)
    must(values.length > 0, 'a counter without figures')
    must(
      values.every((value) => typeof value === 'number' && Number.isFinite(value)),
      'a counter that is no number',
    )
    return found
  }
  must(isText(cat), 'no category')
  if (ph === 'X') must(isTime(dur), `dur ${String(dur)} is no time`)
  else if (ph === 'i') must(s === 't' || s === 'p' || s === 'g', 'the scope is unknown')
  else if (ph === 's' || ph === 'f') {
    must(Number.isInteger(id), 'no id')
    must(ph === 's' || bp === 'e', 'an end must bind to the slice around it')
  } else found.push(`${String(ph)} is no phase that we write`)
  return found
}

const trackOf = ({ pid, tid }: Loose): string => `${String(pid)}/${String(tid)}`
function grouped(events: readonly Loose[], keyOf: (event: Loose) => string): Map<string, Loose[]> {
  const groups = new Map<string, Loose[]>()
  for (const event of events) {
    const key = keyOf(event)
    const known = groups.get(key)
    if (known === undefined) groups.set(key, [event])
    else known.push(event)
  }
  return groups
}

/** A viewer shows a track that nobody named by its number only. Counters have none. */
function namelessTracks(events: readonly Loose[]): string[] {
  const named = new Set(events.filter(({ name }) => name === 'thread_name').map(trackOf))
  const used = new Set(events.filter(({ ph }) => ph !== 'M' && ph !== 'C').map(trackOf))
  return [...used].filter((track) => !named.has(track)).map((track) => `track ${track}: no name`)
}

/** Nanoseconds as Perfetto reads them: times digit by digit, lengths multiplied and cut off. */
const startOf = ({ ts }: Loose): number => Math.floor(Number(Number(ts).toFixed(6)) * 1000 + 1e-3)
const lengthOf = ({ dur }: Loose): number => Math.trunc(Number(dur) * 1000)

/** Slices of one track lie within each other or apart. */
function nestingProblems(slices: readonly Loose[]): string[] {
  const tracks = grouped(slices, trackOf)
  const problems: string[] = []
  for (const [track, found] of tracks) {
    const sorted = found
      .map((slice) => ({ start: startOf(slice), length: lengthOf(slice), name: slice['name'] }))
      .map(({ start, length, name }) => ({ start, end: start + length, name }))
      // Of two that begin at once, the one that stands first in the file is the outer one.
      .sort((a, b) => a.start - b.start)
    const open: typeof sorted = []
    for (const slice of sorted) {
      while (open.length > 0 && open.at(-1)!.end <= slice.start) open.pop()
      const around = open.at(-1)
      if (around !== undefined && slice.end > around.end) {
        const names = `${String(slice.name)} crosses the end of ${String(around.name)}`
        problems.push(`track ${track}: ${names}`)
      }
      open.push(slice)
    }
  }
  return problems
}

/** Each arrow has one beginning and one end, in this order, each within a slice of its track. */
function flowProblems(events: readonly Loose[], slices: readonly Loose[]): string[] {
  const problems: string[] = []
  const tracks = grouped(slices, trackOf)
  const arrows = grouped(
    events.filter(({ ph }) => ph === 's' || ph === 'f'),
    ({ cat, id }) => `${String(cat)} ${String(id)}`,
  )
  for (const [arrow, ends] of arrows) {
    const begin = ends.filter(({ ph }) => ph === 's')
    const end = ends.filter(({ ph }) => ph === 'f')
    if (begin.length !== 1 || end.length !== 1) problems.push(`arrow ${arrow}: not one of each end`)
    else if (Number(begin[0]!['ts']) > Number(end[0]!['ts'])) {
      problems.push(`arrow ${arrow}: it ends before it begins`)
    }
    for (const one of ends) {
      const at = Number(one['ts'])
      const around = (tracks.get(trackOf(one)) ?? []).some(
        ({ ts, dur }) => Number(ts) <= at && at <= Number(ts) + Number(dur),
      )
      if (!around) problems.push(`arrow ${arrow}: no slice around its ${String(one['ph'])}`)
    }
  }
  return problems
}
