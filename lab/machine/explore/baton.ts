/**
 * The baton: of all workers only its holder runs. Handing it over is a store to the word that the
 * other sleeps on; who has just given it away looks for it for some microseconds before it goes to
 * sleep, because waking a sleeper costs the host some 30 µs.
 */
import { ExploreWord, type ExploreWords, RowWord } from './layout.ts'

/** Looks before a worker sleeps: about 10 µs. */
const LOOKS = 1200

export class Baton {
  readonly #explore: ExploreWords
  readonly #worker: number
  readonly #turnAt: number

  constructor(explore: ExploreWords, worker: number) {
    this.#explore = explore
    this.#worker = worker
    this.#turnAt = explore.row(worker) + RowWord.TURN
  }

  /** Gives the baton to `worker` and returns when it has come back, or when all is over. */
  handTo(worker: number): void {
    if (worker === this.#worker) return
    const { words } = this.#explore
    Atomics.store(words, this.#turnAt, 0)
    giveBaton(this.#explore, worker)
    this.await()
  }

  /** Returns with the baton; false when the workers are to leave instead. */
  await(): boolean {
    const { words } = this.#explore
    for (let look = 0; look < LOOKS; look++) {
      if (Atomics.load(words, this.#turnAt) === 1) return this.#goesOn()
    }
    while (Atomics.load(words, this.#turnAt) === 0) Atomics.wait(words, this.#turnAt, 0)
    return this.#goesOn()
  }

  #goesOn(): boolean {
    return Atomics.load(this.#explore.words, ExploreWord.OVER) === 0
  }
}

/** Any thread, for a baton that nobody else holds. */
export function giveBaton(explore: ExploreWords, worker: number): void {
  const turn = explore.row(worker) + RowWord.TURN
  Atomics.store(explore.words, turn, 1)
  Atomics.notify(explore.words, turn)
}

/** All workers leave: everybody is woken. */
export function endBaton(explore: ExploreWords): void {
  Atomics.store(explore.words, ExploreWord.OVER, 1)
  for (let worker = 0; worker < explore.workers; worker++) giveBaton(explore, worker)
}
