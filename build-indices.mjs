// Says in dist/ that the sum which names a word of shared memory is a 32-bit integer: `| 0`.
//
// An index such as `p + 4` may be any number for all V8 knows. It adds with a check for overflow
// and keeps `p` for the case that it fails: two of the eight instructions of an access, and a
// malloc and a free that miss the thread cache make some ninety accesses. lab/PERFORMANCE.md has
// the figures.
//
// Only arrays with these names. They are Int32Arrays or Float64Arrays of at most 2^31 elements, so
// that no index is ever changed. A line stays the line it was.
import { modulesOf, nodesOf, rewrite } from './build-modules.mjs'

const ARRAYS = new Set(['words', 'cells', 'counters'])

/** What an expression is called: the last of its names. */
const nameOf = ({ type, name, property, computed }) =>
  type === 'MemberExpression' && !computed ? property.name : name

function replacements({ program }) {
  const places = []
  for (const { type, computed, object, property } of nodesOf(program.body)) {
    if (type !== 'MemberExpression' || !computed || !ARRAYS.has(nameOf(object))) continue
    const isSum = property.type === 'BinaryExpression' && /^[+-]$/.test(property.operator)
    if (isSum) places.push([property.end, property.end, ' | 0'])
  }
  return places.sort((a, b) => a[0] - b[0])
}

let indices = 0
for (const [file, module] of modulesOf(process.argv[2])) {
  indices += rewrite(file, module, replacements(module))
}
if (indices === 0) throw new Error('no index was found: is dist/ complete?')
