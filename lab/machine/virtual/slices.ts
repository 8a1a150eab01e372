/**
 * Time slices: they end at a core's ticks, however long its lab thread has run by then (Linux's
 * `task_tick_fair`), so also in the middle of what it holds a lock for.
 */
export class Slices {
  /** When the slice of each core ends, in ns. */
  readonly #end: Float64Array
  readonly #ns: number
  readonly #seed: number
  #begun = 0

  /** Ticks of different cores come at different times. `seed` 0: all slices are equally long. */
  constructor(end: Float64Array, ns: number, seed: number) {
    this.#end = end
    this.#ns = ns
    this.#seed = seed
    for (let core = 0; core < end.length; core++) {
      end[core] = Math.ceil(((core + 1) * ns) / end.length)
    }
  }

  /** The slice of a core is over: the next one ends at its next tick after `now`. */
  begin(core: number, now: number): void {
    const before = this.#end[core]!
    const missed = Math.floor((now - before) / this.#ns)
    const end = before + missed * this.#ns + this.#length()
    this.#end[core] = end > now ? end : now + this.#ns
  }

  /** A schedule seed varies each slice by up to a quarter. */
  #length(): number {
    if (this.#seed === 0) return this.#ns
    const part = mix(this.#seed + Math.imul(++this.#begun, 0x9e3779b1)) >>> 16
    return Math.floor(this.#ns * (0.75 + part / 0x20000))
  }
}

/** Mixes the bits of a 32-bit number (C. Wellons' lowbias32). */
export function mix(value: number): number {
  let x = value | 0
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad)
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97)
  return (x ^ (x >>> 15)) >>> 0
}
