/** Blocks one thread of a generated trace has allocated, oldest first. */
export interface LiveBlock {
  readonly number: number
  /** Requested bytes; -1 for a block that is NULL. */
  bytes: number
}

/** Which block an op is given. */
export const Pick = { NEWEST: 0, OLDEST: 1, ANY: 2 } as const
export type Pick = (typeof Pick)[keyof typeof Pick]

/** Unused entries at the head are dropped once there are so many. */
const HEAD_MAX = 1024

export class BlockList {
  #blocks: LiveBlock[] = []
  #head = 0

  get count(): number {
    return this.#blocks.length - this.#head
  }

  add(block: LiveBlock): void {
    this.#blocks.push(block)
  }

  /** Place of a block, for `at` and `take`; the list must not be empty. `any` is in [0, count). */
  place(pick: Pick, any: number): number {
    if (pick === Pick.NEWEST) return this.#blocks.length - 1
    return pick === Pick.OLDEST ? this.#head : this.#head + any
  }

  at(place: number): LiveBlock {
    return this.#blocks[place]!
  }

  /** Removes a block; one in the middle is replaced by the newest. */
  take(place: number): LiveBlock {
    const block = this.#blocks[place]!
    if (place === this.#head && this.count > 1) {
      this.#head++
      if (this.#head > HEAD_MAX && 2 * this.#head > this.#blocks.length) this.#dropHead()
      return block
    }
    const newest = this.#blocks.pop()!
    if (place < this.#blocks.length) this.#blocks[place] = newest
    return block
  }

  /** Takes over all blocks of another list. */
  addAll(other: BlockList): void {
    for (let place = other.#head; place < other.#blocks.length; place++) {
      this.#blocks.push(other.#blocks[place]!)
    }
  }

  #dropHead(): void {
    this.#blocks = this.#blocks.slice(this.#head)
    this.#head = 0
  }
}
