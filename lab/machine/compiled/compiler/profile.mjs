// How often each place of dist/ was reached in an example run: what the compiler knows of what is
// rare. V8 counts (precise coverage); places are those of the parsed text.
import { Session } from 'node:inspector'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'

/** What is reached less often than one time in so many is rare. */
const RARE = 64

/** Counts from its making on: modules must be loaded later, since V8 counts in new code alone. */
export class Profiler {
  #session = new Session()

  constructor() {
    // Code of V8's optimizing compilers does not count its calls.
    setFlagsFromString('--no-opt')
    setFlagsFromString('--no-maglev')
    this.#session.connect()
    this.#ask('Profiler.enable')
    this.#ask('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** What was reached since the last time. */
  take() {
    return new Profile(this.#ask('Profiler.takePreciseCoverage').result)
  }

  end() {
    setFlagsFromString('--opt')
    this.#session.disconnect()
  }

  /** V8 answers a session of its own thread at once. */
  #ask(method, parameters = {}) {
    let answer
    this.#session.post(method, parameters, (error, result) => {
      if (error) throw new Error(`${method}: ${error.message}`)
      answer = result
    })
    return answer
  }
}

/** Counts of one run. */
class Profile {
  /** By file: { startOffset, endOffset, count }, those inside others later. */
  #ranges = new Map()

  constructor(scripts) {
    for (const { url, functions } of scripts) {
      if (!url.startsWith('file:')) continue
      const ranges = functions.flatMap((it) => it.ranges)
      ranges.sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset)
      this.#ranges.set(fileURLToPath(url), ranges)
    }
  }

  /** How often the place was reached. */
  #count(file, at) {
    const around = (it) => it.startOffset <= at && at < it.endOffset
    return this.#ranges.get(file)?.findLast(around)?.count ?? 0
  }

  /** The count of the most frequent place of a function. */
  most(file, { start, end }) {
    const inside = (it) => start <= it.startOffset && it.endOffset <= end
    const counts = (this.#ranges.get(file) ?? []).filter(inside).map(({ count }) => count)
    return Math.max(this.#count(file, start), ...counts)
  }

  /** Is the place rare, against a count of something around it? Not when that is unknown. */
  isRare(file, { start }, among) {
    return this.#count(file, start) * RARE < among
  }

  /** Is `then` of an `if` nearly always carried out, or nearly never? Undefined when neither. */
  likely(file, node) {
    const all = this.#count(file, node.start)
    const taken = this.#count(file, node.consequent.start)
    if (taken * RARE < all) return false
    return (all - taken) * RARE < all ? true : undefined
  }
}
