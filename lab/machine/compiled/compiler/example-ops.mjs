// What the example runs do whose counts the compiler goes by: blocks that are replaced in random
// order, as in most services; some ops of other kinds.

/** Blocks of these many bytes are replaced so often, in so many cells. */
const MIXES = [
  { cells: 10_000, least: 16, most: 1024, pairs: 60_000 },
  { cells: 1000, least: 16, most: 65_536, pairs: 30_000 },
]
/** Cells of the largest of them. */
export const CELLS = 10_000
/** Every so often blocks go through a shared cell, and one is resized. */
const OTHERS_EVERY = 16

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
    if (i % OTHERS_EVERY === 0) ops.push(Op.SWAP, cell, ~0, Op.REALLOC, random(cells), bytes)
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
