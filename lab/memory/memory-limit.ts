/** The OOM kill: what becomes of a process whose RSS would cross its memory limit. */
import { type Control, ControlWord, RunState } from '../words/control.ts'

/**
 * Marks the process as killed by `thread`'s fault and wakes whoever waits for such news. Any
 * thread, any number of times: the first call counts.
 *
 * The fault itself still completes, and so does the op around it: lab threads look at the run's
 * state between ops only. A real process dies inside the access. Ours dies at the next op boundary,
 * because only there is every structure of the design consistent and every lock free or about to
 * be: the post-mortem inspects what the real kernel's victim would leave behind, at the price of an
 * RSS that may end a few pages above the limit.
 */
export function killForMemory(control: Control, thread: number): void {
  const { words } = control
  for (;;) {
    const state = Atomics.load(words, ControlWord.STATE)
    // Before the run starts nobody could be told: a later fault will cross the limit again.
    if (state !== RunState.RUNNING && state !== RunState.ENDING) return
    // The thread is named before the state changes, so that who sees KILLED sees a name.
    Atomics.compareExchange(words, ControlWord.OOM_THREAD, 0, thread + 1)
    const seen = Atomics.compareExchange(words, ControlWord.STATE, state, RunState.KILLED)
    if (seen === state) break
  }
  Atomics.add(words, ControlWord.WAKE, 1)
  Atomics.notify(words, ControlWord.WAKE)
}
