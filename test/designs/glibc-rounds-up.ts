/** glibc with one rule broken: realloc rounds some sizes up. For tests of what `verify` finds. */
import { type Design, designs } from 'arena-lab'

const real = designs['glibc'] as Design

const roundsUp = (bytes: number): boolean => bytes >= 3000 && bytes < 3100

const broken: Design = {
  ...real,
  attach(process, tunables, thread) {
    const heap = real.attach(process, tunables, thread)
    const realloc = heap.realloc.bind(heap)
    heap.realloc = (block, bytes) => realloc(block, roundsUp(bytes) ? bytes + 16 : bytes)
    return heap
  },
}

export default broken
