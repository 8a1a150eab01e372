/**
 * Random numbers of one lab thread. Only 32-bit integer steps and one exact multiplication, so that
 * a seed means the same everywhere.
 */
import type { SizeMix } from './size-mix.ts'

/** Who the numbers are for. */
export interface StreamKey {
  /** Whole, 0 ≤ seed < 2^53. */
  readonly seed: number
  readonly role: string
  /** Which lab thread of the role. */
  readonly index: number
  /** How often the lab thread has been replaced by a new one. */
  readonly generation: number
}

const TWO_32 = 0x1_0000_0000
/** Outputs thrown away after seeding, so that near seeds have parted. */
const WARM_UP = 12

/** Chris Doty-Humphrey's sfc32: 128 bits of state, of which one word counts. */
export class RandomStream {
  #a: number
  #b: number
  #c: number
  #counter: number

  constructor(key: StreamKey) {
    const seeder = new Seeder()
    seeder.mix(key.seed)
    seeder.mix(Math.floor(key.seed / TWO_32))
    seeder.mixText(key.role)
    seeder.mix(key.index)
    seeder.mix(key.generation)
    this.#a = seeder.next()
    this.#b = seeder.next()
    this.#c = seeder.next()
    this.#counter = 1
    for (let i = 0; i < WARM_UP; i++) this.uint32()
  }

  /** Uniform integer in [0, 2^32). */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** Uniform integer in [0, `count`); 0 < count ≤ 2^32. Uneven by less than count ÷ 2^32. */
  below(count: number): number {
    return Math.floor((this.uint32() * count) / TWO_32)
  }

  /** Uniform integer in [low, high], both ends included; high - low < 2^32. */
  range(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  /** True `numerator` times in `denominator`. */
  chance(numerator: number, denominator: number): boolean {
    return this.below(denominator) < numerator
  }

  /** A size drawn from a mix. */
  pick(mix: SizeMix): number {
    const drawn = this.below(mix.total)
    let row = 0
    while (drawn >= mix.upTo[row]!) row++
    return this.range(mix.low[row]!, mix.high[row]!)
  }
}

/** Turns whatever it is fed into well-spread words: splitmix32 over a running hash. */
class Seeder {
  #state = 0x9e3779b9

  mix(value: number): void {
    this.#state = scramble(this.#state ^ (value | 0))
  }

  mixText(text: string): void {
    for (let i = 0; i < text.length; i++) this.mix(text.charCodeAt(i) + 1)
  }

  next(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0
    return scramble(this.#state)
  }
}

/** A bijection of 32-bit words in which every bit depends on every bit. */
function scramble(word: number): number {
  let x = (word + 0x6d2b79f5) | 0
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad)
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97)
  return x ^ (x >>> 15)
}
