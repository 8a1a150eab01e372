/**
 * A walk along locks, each only tried: while one thread goes from one to the next, others move on.
 * An op's code runs undivided, so its tries would all see one moment. Therefore a malloc that has
 * found a lock held, and has taken none yet, is put off: it costs what the try costs, and is begun
 * anew after that, when what it has tried counts as held and the next lock is looked at.
 *
 * That needs a malloc that has changed nothing when it tries (`tries` in the cost table): Gloger's
 * arena_get does.
 */
const NONE = -1

/** Thrown through the design, out of a malloc that is put off. */
export const PUT_OFF: unique symbol = Symbol('put off')

export class Walk {
  /** The op under way is put off when it finds a lock held. */
  mayPutOff = false
  /** Locks that the mallocs of each seat have tried in vain. */
  readonly #tried: number[][]
  readonly #enabled: boolean
  #seat = NONE
  /** How many of them the op under way has tried again. */
  #again = 0

  constructor(seats: number, enabled: boolean) {
    this.#tried = Array.from({ length: seats }, () => [])
    this.#enabled = enabled
  }

  /** A malloc of `seat` begins, or begins anew: true then. */
  begin(seat: number): boolean {
    this.#seat = seat
    this.#again = 0
    this.mayPutOff = this.#enabled
    return this.#tried[seat]!.length > 0
  }

  /**
   * Has the op under way made this try already, in vain? As many are answered as it has made, so a
   * lock that comes again after that, in a second round, is looked at anew.
   */
  hasTried(lock: number): boolean {
    const tried = this.#tried[this.#seat]!
    if (this.#again === tried.length || !tried.includes(lock)) return false
    this.#again++
    return true
  }

  /** The lock is held: the malloc is to be begun anew. */
  putOff(lock: number): never {
    this.#tried[this.#seat]!.push(lock)
    this.mayPutOff = false
    throw PUT_OFF
  }

  /** A new lab thread is on this seat. */
  forget(seat: number): void {
    this.#tried[seat]!.length = 0
  }

  /** It has taken a lock, or is over. */
  end(): void {
    this.mayPutOff = false
    if (this.#seat !== NONE) this.#tried[this.#seat]!.length = 0
    this.#seat = NONE
  }
}
