/** The streams of the command line: results go to stdout, everything else to stderr. */
import { columnsOf, type Style, styleFor } from '../report/style.ts'
import { ExitCode } from '../session/types.ts'

export interface Streams {
  readonly out: NodeJS.WriteStream
  readonly err: NodeJS.WriteStream
  readonly env: Readonly<Record<string, string | undefined>>
}

export const processStreams: Streams = {
  out: process.stdout,
  err: process.stderr,
  env: process.env,
}

export const outStyle = ({ out, env }: Streams): Style => styleFor(out, env)
export const errStyle = ({ err, env }: Streams): Style => styleFor(err, env)
export const outColumns = ({ out }: Streams): number => columnsOf(out)

/** Resolves when the text is handed to the system: exiting earlier would cut it in a pipe. */
export function print(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve) => {
    stream.write(text, () => resolve())
  })
}

/**
 * A reader that goes away (`| head`) ends us quietly, as it does other tools; output that cannot be
 * written (a full disk) ends us with one line.
 */
export function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(ExitCode.EXPECTED)
      if (stream === process.stdout) {
        process.stderr.write(`arena-lab: output cannot be written: ${error.message}\n`)
      }
      process.exit(ExitCode.USAGE)
    })
  }
}
