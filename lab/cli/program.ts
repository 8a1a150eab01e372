/** All commands together, and how what the user got wrong is told: one line, exit code 2. */
import { Command, CommanderError } from 'commander'
import { HeapBufferFull } from '../memory/errors.ts'
import { packageVersion } from '../session/about.ts'
import { ExitCode } from '../session/types.ts'
import { isBadInput } from '../words/bad-input.ts'
import { benchCommand } from './bench.ts'
import { calibrateCommand } from './calibrate.ts'
import { compareCommand } from './compare.ts'
import { dashboardCommand } from './dashboard.ts'
import { listCommand } from './list.ts'
import { replayCommand } from './replay.ts'
import { rmCommand } from './rm.ts'
import { parseRunArguments, runCommand } from './run.ts'
import { showCommand } from './show.ts'
import { errStyle, print, type Streams } from './streams.ts'
import { traceCommand } from './trace.ts'
import { verifyCommand } from './verify.ts'

const DESCRIPTION =
  'Reproduces multi-threaded memory blow-ups and lock contention, shows why they happen, and ' +
  'says which fix works.'

const START = `
Start here:
  arena-lab run seedservice -a glibc -a glibc:arena_max=1 --memory-limit 768MiB`

/** Carries out what `argv` asks for; the exit code. Rejects only with errors of our own making. */
export async function runCommandLine(argv: readonly string[], streams: Streams): Promise<number> {
  let exitCode: number = ExitCode.EXPECTED
  const program = buildProgram(streams, (code) => {
    exitCode = code
  })
  try {
    if (argv.length <= 2) {
      await print(streams.err, program.helpInformation())
      return ExitCode.USAGE
    }
    await program.parseAsync(argv)
    return exitCode
  } catch (error) {
    if (error instanceof HeapBufferFull) {
      await print(streams.err, `${errStyle(streams).bad(`arena-lab: ${error.message}`)}\n`)
      return ExitCode.NOT_TRUSTWORTHY
    }
    const complaint = complaintOf(error)
    if (complaint === undefined) throw error
    if (complaint !== '') await print(streams.err, `${errStyle(streams).bad(complaint)}\n`)
    return complaint === '' ? ExitCode.EXPECTED : ExitCode.USAGE
  }
}

function buildProgram(streams: Streams, exit: (code: number) => void): Command {
  const program = new Command('arena-lab')
    .description(DESCRIPTION)
    .version(packageVersion)
    .addHelpText('after', START)
  const commands = [
    runCommand(streams, exit),
    replayCommand(streams, exit),
    traceCommand(streams),
    verifyCommand(streams, exit),
    benchCommand(streams, exit),
    calibrateCommand(streams),
    listCommand(streams),
    showCommand(streams),
    compareCommand(streams),
    dashboardCommand(streams, exit, parseRunArguments),
    rmCommand(streams),
  ]
  for (const command of commands) program.addCommand(command)
  for (const command of [program, ...commands.flatMap(withSubcommands)]) {
    command
      .exitOverride()
      .configureHelp({ helpWidth: Math.min(streams.out.columns ?? 100, 100) })
      // Complaints are printed once, by `runCommandLine`.
      .configureOutput({ writeOut: (text) => streams.out.write(text), outputError: () => {} })
  }
  return program
}

const withSubcommands = (command: Command): Command[] => [command, ...command.commands]

/** One line for the user; empty when help or version were asked for; undefined: no user's fault. */
function complaintOf(error: unknown): string | undefined {
  if (isBadInput(error)) return `arena-lab: ${error.message}`
  if (!(error instanceof CommanderError)) return undefined
  if (error.exitCode === 0) return ''
  const text = error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ')
  return `arena-lab: ${text}`
}
