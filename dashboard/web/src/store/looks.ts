/**
 * Safepoints kept whole, so that one can scrub back through heaps, bins and mappings. They are
 * large: only so many are kept, evenly spread, phase marks and the end longer than ticks.
 */
import type { SafepointSample } from '../../../../lab/metrics/types.ts'

const LOOKS_MAX = 120

export class LookShelf {
  #looks: SafepointSample[] = []

  add(look: SafepointSample): void {
    this.#looks.push(look)
    if (this.#looks.length > LOOKS_MAX) this.#looks = thin(this.#looks)
  }

  get length(): number {
    return this.#looks.length
  }

  /** All of them, in the order of time. */
  all(): readonly SafepointSample[] {
    return this.#looks
  }

  /** The last look at or before `t` (ns), or the first there is. */
  at(t: number): SafepointSample | undefined {
    return this.#looks.findLast((look) => look.t <= t) ?? this.#looks[0]
  }

  /** The last look at or before `t` that lists mappings, or the first that does. */
  mappingsAt(t: number): SafepointSample | undefined {
    return this.#lastWith(t, ({ survey }) => survey?.mappings !== undefined)
  }

  /** The last look at or before `t` that lists chunks, or the first that does. */
  chunksAt(t: number): SafepointSample | undefined {
    return this.#lastWith(t, ({ survey }) => survey?.chunks !== undefined)
  }

  #lastWith(t: number, has: (look: SafepointSample) => boolean): SafepointSample | undefined {
    return this.#looks.findLast((look) => look.t <= t && has(look)) ?? this.#looks.find(has)
  }
}

/** Every second tick goes; when there are hardly any, every second look. The newest stays. */
function thin(looks: readonly SafepointSample[]): SafepointSample[] {
  const last = looks.at(-1)
  let ticks = 0
  const kept = looks.filter((look) => look === last || look.reason !== 'tick' || ticks++ % 2 === 0)
  if (kept.length < 0.75 * looks.length) return kept
  return looks.filter((look, place) => look === last || place % 2 === 0)
}
