/**
 * Random traces in the text format of arena-lab, from a seed alone: what was replayed on the real
 * library for the fixtures, and is replayed here on the model. Changing anything invalidates the
 * fixtures.
 */

export interface TraceOptions {
  readonly seed: number
  readonly threads: number
  readonly ops: number
  /** Threads end now and then, and start again. */
  readonly exits?: boolean
  /** One request in a hundred or so is larger than any size class. */
  readonly large?: boolean
  /** ReleaseFreeMemory now and then. */
  readonly trims?: boolean
}

/** xorshift32 */
export class Numbers {
  #state: number
  constructor(seed: number) {
    this.#state = Math.imul(seed, 0x9e3779b1) >>> 0 || 1
  }
  below(limit: number): number {
    this.#state ^= this.#state << 13
    this.#state >>>= 0
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    this.#state >>>= 0
    return this.#state % limit
  }
}

function requestBytes(numbers: Numbers, large: boolean): number {
  const kind = numbers.below(1000)
  if (kind < 600) return numbers.below(256)
  if (kind < 850) return numbers.below(4096)
  if (kind < 960) return numbers.below(65_536)
  if (kind < 990 || !large) return numbers.below(262_244)
  return kind < 999 ? numbers.below(2 ** 21) : numbers.below(2 ** 25)
}

const CHECKPOINT_OPS = 200
const PHASE_OPS = 1000
const LIVE_TARGET = 600

export function randomTrace(options: TraceOptions): string[] {
  const numbers = new Numbers(options.seed)
  const large = options.large ?? false
  const lines = ['k']
  const live: number[] = []
  const alive = new Set([0])
  let next = 0
  let target = LIVE_TARGET
  for (let op = 0; op < options.ops; op++) {
    if (op % CHECKPOINT_OPS === 0) lines.push('k')
    if (op % PHASE_OPS === 0)
      target = [LIVE_TARGET / 4, LIVE_TARGET, 2 * LIVE_TARGET][numbers.below(3)]!
    const thread = numbers.below(options.threads)
    if (options.exits && thread > 0 && alive.has(thread) && numbers.below(100) === 0) {
      lines.push(`${thread} x`)
      alive.delete(thread)
      continue
    }
    alive.add(thread)
    if (options.trims && numbers.below(500) === 0) {
      lines.push(`${thread} t 0`)
      continue
    }
    const grows = numbers.below(100) < (live.length < target ? 65 : 35)
    if (live.length === 0 || grows) {
      lines.push(allocation(numbers, thread, next, large))
      live.push(next++)
      continue
    }
    const place = numbers.below(live.length)
    if (numbers.below(12) === 0) {
      lines.push(`${thread} r ${live[place]} ${1 + requestBytes(numbers, large)}`)
    } else {
      lines.push(`${thread} f ${live[place]}`)
      live[place] = live.at(-1)!
      live.pop()
    }
  }
  lines.push('k')
  return lines
}

function allocation(numbers: Numbers, thread: number, block: number, large: boolean): string {
  const kind = numbers.below(20)
  if (kind === 0) return `${thread} c ${block} ${1 + numbers.below(16)} ${numbers.below(200)}`
  if (kind === 1) return `${thread} a ${block} ${16 << numbers.below(9)} ${numbers.below(9000)}`
  return `${thread} m ${block} ${requestBytes(numbers, large)}`
}
