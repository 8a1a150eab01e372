/**
 * The ordered sets of long free spans (more than 128 pages): by length, then by address, so that
 * the first span of at least n pages is the best fit with the lowest address.
 *
 *   word  0      1   2       3   4 5   6          7   8      9   10       11
 *        ┌──────┬───┬───────┬───┬─────┬──────────┬───┬──────┬───┬────────┬───┐
 *        │ left │ – │ right │ – │  –  │ priority │ – │ span │ – │ length │ – │
 *        └──────┴───┴───────┴───┴─────┴──────────┴───┴──────┴───┴────────┴───┘
 *
 * gperftools 2.10 has a std::set here (SpanSet in src/span.h), a red-black tree with nodes of
 * 48 bytes. Ours is a treap with nodes of the same size from the same allocator: which span is
 * found, and where nodes lie, is the same for every ordered set that keeps a node per span, and a
 * treap is the shortest to write. A node's priority comes from its span's address alone.
 *
 * Every call needs the page heap's lock.
 * Invariant: left < node < right in (length, start); a parent's priority is at least its child's.
 */
import { type SharedWords, WORD_NULL, type WordIndex } from '../../lab/words/units.ts'
import type { Carver } from './metadata.ts'
import { Span } from './span-layout.ts'

export const SetNode = { LEFT: 0, RIGHT: 2, PRIORITY: 6, SPAN: 8, LENGTH: 10 } as const
export const SET_NODE_WORDS = 12

/** Scatters page numbers over the integers (Knuth's multiplicative hash). */
const PRIORITY_MULTIPLIER = 0x9e3779b1

export class SpanSet {
  readonly #words: SharedWords
  readonly #nodes: Carver
  /** The word that holds the root. */
  readonly #root: number

  constructor(words: SharedWords, nodes: Carver, root: number) {
    this.#words = words
    this.#nodes = nodes
    this.#root = root
  }

  insert(span: WordIndex): void {
    const words = this.#words
    this.#nodes.bootOnce()
    const node = this.#nodes.new()
    const priority = Math.imul(words[span + Span.START]!, PRIORITY_MULTIPLIER)
    words[node + SetNode.PRIORITY] = priority
    words[node + SetNode.SPAN] = span
    words[node + SetNode.LENGTH] = words[span + Span.LENGTH]!

    // Go down to the first node of lower priority: the new one takes its place …
    let slot = this.#root
    let below = words[slot]!
    while (below !== WORD_NULL && words[below + SetNode.PRIORITY]! >= priority) {
      slot = below + (this.#isBefore(node, below) ? SetNode.LEFT : SetNode.RIGHT)
      below = words[slot]!
    }
    words[slot] = node
    // … and the subtree that was there is split into what comes before and after.
    let before = node + SetNode.LEFT
    let after = node + SetNode.RIGHT
    while (below !== WORD_NULL) {
      if (this.#isBefore(below, node)) {
        words[before] = below
        before = below + SetNode.RIGHT
        below = words[before]!
      } else {
        words[after] = below
        after = below + SetNode.LEFT
        below = words[after]!
      }
    }
    words[before] = WORD_NULL
    words[after] = WORD_NULL
  }

  /** The span must be in the set, with the length it was inserted with. */
  remove(span: WordIndex): void {
    const words = this.#words
    const length = words[span + Span.LENGTH]!
    const start = words[span + Span.START]!
    let slot = this.#root
    let node = words[slot]!
    while (words[node + SetNode.SPAN] !== span) {
      if (node === WORD_NULL) throw new Error('tcmalloc: a long free span is not in its set')
      slot = node + (this.#startsAfter(node, length, start) ? SetNode.LEFT : SetNode.RIGHT)
      node = words[slot]!
    }
    // Its two subtrees are joined in its place.
    let left = words[node + SetNode.LEFT]!
    let right = words[node + SetNode.RIGHT]!
    while (left !== WORD_NULL && right !== WORD_NULL) {
      if (words[left + SetNode.PRIORITY]! >= words[right + SetNode.PRIORITY]!) {
        words[slot] = left
        slot = left + SetNode.RIGHT
        left = words[slot]!
      } else {
        words[slot] = right
        slot = right + SetNode.LEFT
        right = words[slot]!
      }
    }
    words[slot] = left === WORD_NULL ? right : left
    this.#nodes.delete(node as WordIndex)
  }

  /** The shortest span of at least `length` pages, of these the lowest; or WORD_NULL. */
  bestFit(length: number): WordIndex {
    const words = this.#words
    let best: number = WORD_NULL
    let node = words[this.#root]!
    while (node !== WORD_NULL) {
      if (words[node + SetNode.LENGTH]! >= length) {
        best = words[node + SetNode.SPAN]!
        node = words[node + SetNode.LEFT]!
      } else {
        node = words[node + SetNode.RIGHT]!
      }
    }
    return best as WordIndex
  }

  /** The shortest span of all, of these the lowest; or WORD_NULL. */
  first(): WordIndex {
    return this.bestFit(0)
  }

  #isBefore(a: number, b: number): boolean {
    const words = this.#words
    const start = words[words[a + SetNode.SPAN]! + Span.START]!
    return this.#startsAfter(b, words[a + SetNode.LENGTH]!, start)
  }

  /** Does the node come after (length, start)? */
  #startsAfter(node: number, length: number, start: number): boolean {
    const words = this.#words
    const nodeLength = words[node + SetNode.LENGTH]!
    if (nodeLength !== length) return nodeLength > length
    return words[words[node + SetNode.SPAN]! + Span.START]! > start
  }
}
