/**
 * What is going to happen, soonest first. Nearly all events are some ns away: most ops take 3 to 30
 * ns. They lie in a ring with a place for each ns to come, a list of seats by rank in each, and a
 * bit for each place that is not empty (a calendar queue: R. Brown, 1988). What is further away
 * waits in a binary heap, and is taken from there when its time has come. Nothing is allocated.
 *
 *     now                                         now + RING
 *      ├──┬──┬──┬──┬──┬──┬──┬──┬──┬──┬── … ──┬──┬──┤
 *      │  │ 4│  │  │  │ 7│  │  │  │  │       │  │  │        far: the heap
 *      └──┴─┬┴──┴──┴──┴──┴──┴──┴──┴──┴── … ──┴──┴──┘
 *           9
 */
import { EventHeap } from './event-heap.ts'

/** Places of the ring, one a ns. */
const RING = 1024
const RING_MASK = RING - 1
const BIT_WORD_SHIFT = 5
const BIT_MASK = 31
const BIT_WORDS = RING >>> BIT_WORD_SHIFT
/** Times are told apart by their distance from an origin, which stays below 2^31. */
const ORIGIN_DISTANCE_MAX = 2 ** 30
const NOBODY = -1

export class EventQueue {
  /** When each seat's event is due, in whole ns. Set by `put`. */
  readonly when: Float64Array
  /** Decides between events of the same nanosecond; all different. */
  readonly rank: Int32Array
  /** Events to come. */
  size = 0
  readonly #far: EventHeap
  /** 1 for a seat that is in the ring. */
  readonly #isNear: Uint8Array
  readonly #head = new Int32Array(RING).fill(NOBODY)
  readonly #tail = new Int32Array(RING).fill(NOBODY)
  readonly #bits = new Int32Array(BIT_WORDS)
  readonly #next: Int32Array
  readonly #before: Int32Array
  #nearSize = 0
  /** Time of the soonest event when it was last asked for: none in the ring is sooner. */
  #now = 0
  /** A multiple of RING, not after `#now`. */
  #origin = 0

  constructor(seats: number) {
    this.#far = new EventHeap(seats)
    this.when = this.#far.when
    this.rank = this.#far.rank
    this.#isNear = new Uint8Array(seats)
    this.#next = new Int32Array(seats).fill(NOBODY)
    this.#before = new Int32Array(seats).fill(NOBODY)
  }

  /** The seat whose event is next. Only when `size` > 0. */
  soonest(): number {
    const far = this.#far
    let seat = this.#nearSize > 0 ? this.#head[this.#firstPlace()]! : NOBODY
    if (far.size > 0 && (seat < 0 || this.#isSooner(far.first, seat))) seat = far.first
    const when = this.when[seat]!
    if (when > this.#now) {
      this.#now = when
      if (when - this.#origin > ORIGIN_DISTANCE_MAX) this.#origin = Math.floor(when / RING) * RING
    }
    return seat
  }

  /** A new event for `seat`, in place of the one it has. */
  put(seat: number, when: number): void {
    if (this.#isNear[seat] !== 0) this.#unlink(seat)
    else if (this.#far.has(seat)) {
      this.#far.remove(seat)
      this.size--
    }
    this.size++
    const distance = when - this.#now
    if (distance >= 0 && distance < RING) {
      this.when[seat] = when
      this.#link(seat, (when - this.#origin) & RING_MASK)
    } else this.#far.put(seat, when)
  }

  /** The event of `seat`, if it has one, will not happen. */
  remove(seat: number): void {
    if (this.#isNear[seat] !== 0) this.#unlink(seat)
    else if (this.#far.has(seat)) {
      this.#far.remove(seat)
      this.size--
    }
  }

  #isSooner(a: number, b: number): boolean {
    const { when, rank } = this
    return when[a]! < when[b]! || (when[a] === when[b] && rank[a]! < rank[b]!)
  }

  /** First place from now on that is not empty. Only when there is one. */
  #firstPlace(): number {
    const bits = this.#bits
    const from = (this.#now - this.#origin) & RING_MASK
    let word = from >>> BIT_WORD_SHIFT
    // Below `from` in its own word are the places furthest away: looked at last, a round later.
    let found = bits[word]! & (-1 << (from & BIT_MASK))
    while (found === 0) {
      word = (word + 1) & (BIT_WORDS - 1)
      found = bits[word]!
    }
    return (word << BIT_WORD_SHIFT) + BIT_MASK - Math.clz32(found & -found)
  }

  /** Into the list of its place, after those of lower rank: most often at its end. */
  #link(seat: number, place: number): void {
    const rank = this.rank
    const mine = rank[seat]!
    let before = this.#tail[place]!
    let after = NOBODY
    while (before >= 0 && rank[before]! > mine) {
      after = before
      before = this.#before[before]!
    }
    this.#before[seat] = before
    this.#next[seat] = after
    if (before >= 0) this.#next[before] = seat
    else {
      this.#head[place] = seat
      this.#bits[place >>> BIT_WORD_SHIFT]! |= 1 << (place & BIT_MASK)
    }
    if (after >= 0) this.#before[after] = seat
    else this.#tail[place] = seat
    this.#isNear[seat] = 1
    this.#nearSize++
  }

  #unlink(seat: number): void {
    const place = (this.when[seat]! - this.#origin) & RING_MASK
    const before = this.#before[seat]!
    const after = this.#next[seat]!
    if (before >= 0) this.#next[before] = after
    else {
      this.#head[place] = after
      if (after < 0) this.#bits[place >>> BIT_WORD_SHIFT]! &= ~(1 << (place & BIT_MASK))
    }
    if (after >= 0) this.#before[after] = before
    else this.#tail[place] = before
    this.#isNear[seat] = 0
    this.#nearSize--
    this.size--
  }
}
