// What the example runs do whose counts the compiler goes by: blocks that are replaced in random
// order, as in most services; some ops of other kinds.

/** Blocks of these many bytes are replaced so often, in so many cells. */
const MIXES = [
  { cells: 10_000, least: 16, most: 1024, pairs: 60_000 },
  { cells: 1000, least: 16, most: 65_536, pairs: 30_000 },
]
/** Private cells of the largest of them, and shared ones. */
export const CELLS = 10_000
export const SHARED_CELLS = 1000
/** Every so often a block is resized. */
const RESIZED_EVERY = 16

/** A linear congruential generator: the counts must not change from build to build. */
function randomStream() {
  let state = 1
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return Math.floor((state / 0x80000000) * below)
  }
}

function record(Op, { cells, least, most, pairs }) {
  const random = randomStream()
  const ops = []
  for (let i = 0; i < pairs; i++) {
    const cell = random(cells)
    const bytes = least + random(most - least)
    ops.push(Op.FREE, cell, Op.MALLOC, cell, bytes, Op.WRITE_PAGES, cell, 1)
    // As services hand their blocks over: written whole, into a shared cell, freed from there.
    const shared = ~random(SHARED_CELLS)
    ops.push(Op.FREE, shared, Op.WRITE, cell, Op.MOVE, cell, shared, Op.SWAP, cell, shared)
    if (i % RESIZED_EVERY === 0) ops.push(Op.REALLOC, random(cells), bytes)
  }
  return Int32Array.from(ops)
}

/** Carries the mixes out, as a process with one thread and as one with several. */
export function carryOut({ loop, control }, { ControlWord, RunState, Op }) {
  control.words[ControlWord.STATE] = RunState.RUNNING
  for (const threads of [0, 1]) {
    control.words[ControlWord.MULTI_THREADED] = threads
    for (const mix of MIXES) {
      const ops = record(Op, mix)
      const end = loop.run(ops, 0, ops.length)
      if (end !== ops.length) throw new Error(`the example stopped at word ${end} of its ops`)
    }
  }
}
