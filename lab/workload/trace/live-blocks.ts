/**
 * Live blocks of a trace: block number → slot. Memory is bounded by the most blocks ever live, not
 * by the length of the trace. A hash table of flat arrays, because a `Map` of 10^7 inserts and
 * deletes costs more than the parsing.
 */
const EMPTY = -1

export class LiveBlocks {
  /** Block numbers, open addressing with linear probing; `EMPTY` where none. */
  #keys = new Int32Array(1024).fill(EMPTY)
  #slots = new Int32Array(1024)
  #shift = 22
  #count = 0
  #freeSlots = new Int32Array(1024)
  #freeCount = 0
  #slotsMade = 0
  /** By slot: line the block was born in, and 1 where it is known to be NULL. */
  #bornIn = new Int32Array(1024)
  #isNull = new Uint8Array(1024)

  /** Most blocks that were live at once. */
  get slotsMade(): number {
    return this.#slotsMade
  }

  /** Slot of a live block, -1 where it is not live. */
  slotOf(block: number): number {
    const at = this.#find(block)
    return this.#keys[at] === block ? this.#slots[at]! : -1
  }

  /** Makes a block live that is not; its slot. */
  add(block: number, line: number, isNull: boolean): number {
    if (2 * this.#count >= this.#keys.length) this.#growTable()
    const slot = this.#freeCount > 0 ? this.#freeSlots[--this.#freeCount]! : this.#newSlot()
    const at = this.#find(block)
    this.#keys[at] = block
    this.#slots[at] = slot
    this.#count++
    this.#bornIn[slot] = line
    this.#isNull[slot] = isNull ? 1 : 0
    return slot
  }

  /** Ends a live block; its slot may be used again. */
  remove(block: number): void {
    const at = this.#find(block)
    this.#freeSlots[this.#freeCount++] = this.#slots[at]!
    this.#count--
    this.#closeGap(at)
  }

  bornIn(slot: number): number {
    return this.#bornIn[slot]!
  }

  isNull(slot: number): boolean {
    return this.#isNull[slot] === 1
  }

  setNull(slot: number, isNull: boolean): void {
    this.#isNull[slot] = isNull ? 1 : 0
  }

  /** Where the block is, or the empty place where it would be put. */
  #find(block: number): number {
    const keys = this.#keys
    const mask = keys.length - 1
    let at = Math.imul(block, 0x9e3779b1) >>> this.#shift
    // Ends: at most half of the places are taken.
    while (keys[at] !== block && keys[at] !== EMPTY) at = (at + 1) & mask
    return at
  }

  /** Moves back whoever was pushed past the place now free, so that no search stops there. */
  #closeGap(at: number): void {
    const keys = this.#keys
    const mask = keys.length - 1
    let gap = at
    let next = (gap + 1) & mask
    while (keys[next] !== EMPTY) {
      const home = Math.imul(keys[next]!, 0x9e3779b1) >>> this.#shift
      if (((next - home) & mask) >= ((next - gap) & mask)) {
        keys[gap] = keys[next]!
        this.#slots[gap] = this.#slots[next]!
        gap = next
      }
      next = (next + 1) & mask
    }
    keys[gap] = EMPTY
  }

  #growTable(): void {
    const keys = this.#keys
    const slots = this.#slots
    this.#keys = new Int32Array(2 * keys.length).fill(EMPTY)
    this.#slots = new Int32Array(2 * keys.length)
    this.#shift--
    for (let from = 0; from < keys.length; from++) {
      if (keys[from] === EMPTY) continue
      const at = this.#find(keys[from]!)
      this.#keys[at] = keys[from]!
      this.#slots[at] = slots[from]!
    }
  }

  #newSlot(): number {
    const slot = this.#slotsMade++
    if (slot === this.#bornIn.length) {
      this.#bornIn = doubled(this.#bornIn, new Int32Array(2 * slot))
      this.#freeSlots = doubled(this.#freeSlots, new Int32Array(2 * slot))
      this.#isNull = doubled(this.#isNull, new Uint8Array(2 * slot))
    }
    return slot
  }
}

function doubled<T extends Int32Array | Uint8Array>(old: T, larger: T): T {
  larger.set(old)
  return larger
}
