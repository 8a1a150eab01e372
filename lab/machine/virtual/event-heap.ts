/**
 * The lab threads something is going to happen to, soonest first: a binary heap with the place of
 * every member, so that one can be moved. Ties go to the lower rank. Nothing is allocated.
 */
export class EventHeap {
  /** When each seat's event is due, in ns; set before `push` and `moved`. */
  readonly when: Float64Array
  /** Decides between events of the same nanosecond; all different. */
  readonly rank: Int32Array
  readonly #seats: Int32Array
  /** Place of each seat in `#seats`, -1 when it is not there. */
  readonly #place: Int32Array
  size = 0

  constructor(seats: number) {
    this.when = new Float64Array(seats)
    this.rank = new Int32Array(seats)
    this.#seats = new Int32Array(seats)
    this.#place = new Int32Array(seats).fill(-1)
  }

  /** The seat whose event is next. Only when `size` > 0. */
  get first(): number {
    return this.#seats[0]!
  }
  /** Member number `place`, in no particular order. */
  at(place: number): number {
    return this.#seats[place]!
  }
  has(seat: number): boolean {
    return this.#place[seat]! >= 0
  }

  /** Adds a seat that is not there yet, or finds its new place. */
  put(seat: number, when: number): void {
    const place = this.#place[seat]!
    this.when[seat] = when
    if (place < 0) {
      this.#seats[this.size] = seat
      this.#place[seat] = this.size
      this.#up(this.size++)
    } else {
      this.#up(place)
      this.#down(this.#place[seat]!)
    }
  }

  remove(seat: number): void {
    const place = this.#place[seat]!
    if (place < 0) return
    this.#place[seat] = -1
    const last = this.#seats[--this.size]!
    if (last === seat) return
    this.#seats[place] = last
    this.#place[last] = place
    this.#up(place)
    this.#down(this.#place[last]!)
  }

  #up(from: number): void {
    const { when, rank } = this
    const seats = this.#seats
    const seat = seats[from]!
    const time = when[seat]!
    let place = from
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = seats[above]!
      if (when[parent]! < time || (when[parent]! === time && rank[parent]! < rank[seat]!)) break
      seats[place] = parent
      this.#place[parent] = place
      place = above
    }
    seats[place] = seat
    this.#place[seat] = place
  }

  #down(from: number): void {
    const { when, rank, size } = this
    const seats = this.#seats
    const seat = seats[from]!
    const time = when[seat]!
    let place = from
    for (;;) {
      let below = 2 * place + 1
      if (below >= size) break
      let child = seats[below]!
      if (below + 1 < size) {
        const other = seats[below + 1]!
        const sooner =
          when[other]! < when[child]! ||
          (when[other]! === when[child]! && rank[other]! < rank[child]!)
        if (sooner) {
          below++
          child = other
        }
      }
      if (when[child]! > time || (when[child]! === time && rank[child]! > rank[seat]!)) break
      seats[place] = child
      this.#place[child] = place
      place = below
    }
    seats[place] = seat
    this.#place[seat] = place
  }
}
