#!/usr/bin/env node
/** Entry of the command line: reads the arguments, ends with an exit code of DESIGN section 8. */
import { messageOf } from '../words/bad-input.ts'
import { runCommandLine } from './program.ts'
import { endWithReader, print, processStreams } from './streams.ts'

endWithReader()
try {
  process.exit(await runCommandLine(process.argv, processStreams))
} catch (error) {
  // Nothing that a user can do leads here: the stack says where we went wrong.
  const stack = error instanceof Error ? (error.stack ?? error.message) : messageOf(error)
  await print(process.stderr, `arena-lab: internal error: ${stack}\n`)
  process.exit(1)
}
