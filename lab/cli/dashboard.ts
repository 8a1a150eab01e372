/**
 * `arena-lab dashboard`: a page to start and steer runs from and to look at past ones; and
 * `run --dashboard`, the page of one run under way.
 */
import { Command } from 'commander'
import { Conductor } from '../../dashboard/server/conductor.ts'
import { type Dashboard, startDashboard } from '../../dashboard/server/dashboard.ts'
import { Library } from '../../dashboard/server/library.ts'
import { catalogueOf } from '../../dashboard/server/offer.ts'
import { IDLE, ShownRun } from '../../dashboard/server/shown-run.ts'
import { ExitCode, type RunRequest } from '../session/types.ts'
import { catchSignals, type Interrupt } from './interrupt.ts'
import { print, type Streams } from './streams.ts'
import { countOption } from './values.ts'

/** Where the dashboard listens unless told otherwise. */
export const DASHBOARD_PORT = 7373
const PORT_MAX = 65_535

/** A dashboard that shows one run. */
export interface RunDashboard {
  readonly run: ShownRun
  close(): Promise<void>
}

/** Prints where it is. Rejects when the page was never built or no port is free. */
export async function openRunDashboard(
  port: number,
  control: boolean,
  directory: string,
  streams: Streams,
  interrupt: Interrupt,
): Promise<RunDashboard> {
  let run: ShownRun | undefined
  const dashboard = await startDashboard({
    port,
    control,
    library: new Library(directory),
    onSteer: (action) => run?.steer(action) ?? '',
  })
  run = new ShownRun(dashboard, { hold: false, query: '', stop: interrupt.stop })
  await printPlace(dashboard, streams)
  return { run, close: () => dashboard.close() }
}

async function printPlace({ url, notices }: Dashboard, { err }: Streams): Promise<void> {
  for (const line of [`dashboard: ${url}`, ...notices]) await print(err, `${line}\n`)
}

interface DashboardFlags {
  readonly port: number
  readonly control: boolean
  readonly dir: string
}

const HELP = `
Without --control the page shows past runs and tells the command that starts one; nobody can start
or stop anything from a browser. It listens on 127.0.0.1 alone, and only for whoever has the link.`

/** `parse` reads the arguments of `arena-lab run`. */
export function dashboardCommand(
  streams: Streams,
  exit: (code: number) => void,
  parse: (words: readonly string[]) => RunRequest,
): Command {
  return new Command('dashboard')
    .summary('set runs up, start and steer them, and look at past ones, in a browser')
    .description('Serves a page to set runs up, to start and steer them, and to look at past ones.')
    .option('--control', 'the page may start, pause, step and stop runs', false)
    .option(
      '--port <n>',
      'where it listens; the next free one when it is taken',
      countOption('--port', 0, PORT_MAX),
      DASHBOARD_PORT,
    )
    .option('--dir <folder>', 'where .arena-lab/ is kept', '.')
    .addHelpText('after', HELP)
    .action(async (flags: DashboardFlags) => exit(await serve(flags, streams, parse)))
}

async function serve(
  flags: DashboardFlags,
  streams: Streams,
  parse: (words: readonly string[]) => RunRequest,
): Promise<number> {
  const catalogue = catalogueOf()
  const library = new Library(flags.dir)
  const onLine = (text: string): void => {
    streams.err.write(`${text}\n`)
  }
  let dashboard: Dashboard
  const conductor = new Conductor(
    { catalogue, library, parse, directory: flags.dir, onLine },
    () => dashboard,
  )
  dashboard = await startDashboard({
    port: flags.port,
    control: flags.control,
    library,
    onSteer: (action) => conductor.steer(action),
    onStart: (setup, hold) => conductor.start(setup, hold),
  })
  dashboard.setCatalogue(catalogue)
  dashboard.setSession(IDLE)
  dashboard.setRuns(library.list())
  await printPlace(dashboard, streams)
  onLine(
    flags.control
      ? 'The page may start and stop runs. Ctrl-C ends it.'
      : 'The page only watches: --control lets it start and stop runs. Ctrl-C ends it.',
  )
  return untilInterrupted(conductor, dashboard, streams)
}

async function untilInterrupted(
  conductor: Conductor,
  dashboard: Dashboard,
  streams: Streams,
): Promise<number> {
  const interrupt = catchSignals(streams, () => {})
  try {
    await interrupt.pressed
    const wasBusy = conductor.isBusy
    const signal = interrupt.signal.reason === 'SIGTERM' ? 'SIGTERM' : 'SIGINT'
    await conductor.close(signal)
    if (!wasBusy) return ExitCode.EXPECTED
    return signal === 'SIGTERM' ? ExitCode.TERMINATED : ExitCode.INTERRUPTED
  } finally {
    interrupt.release()
    await dashboard.close()
  }
}
