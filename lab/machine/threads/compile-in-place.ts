/**
 * How V8 compiles in the workers of a run. By default an isolate asks a pool of helper threads to
 * optimize a hot function and goes on in slow code until they answer. With as many isolates as lab
 * threads asking for the same functions at once, on the same few cores, the answers came seconds
 * after the start: most of a short run was carried out by baseline code. Compiled in place, by the
 * thread that needs it, all of a worker's hot code is there when its warm-up ends.
 */
import { setFlagsFromString } from 'node:v8'

/** For every isolate that starts from now on in this process. Before the workers start. */
export function compileInPlace(): void {
  setFlagsFromString('--no-concurrent-recompilation')
  // The part of a heap for new objects stays at 1 MB instead of growing to 16: with as many
  // isolates as lab threads that would be most of the lab's own memory.
  setFlagsFromString('--semi-space-growth-factor=1')
  // No copy of V8's builtins beside each isolate's code: 1 MB of resident memory a worker, for
  // calls that are somewhat shorter. What runs in workers is mostly WebAssembly.
  setFlagsFromString('--no-short-builtin-calls')
}
