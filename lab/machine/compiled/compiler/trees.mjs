// Walks through instruction trees.

/** Where a tree has others: its operands and, of structured ones, statements. */
const PARTS = ['args', 'before', 'value', 'body', 'then', 'otherwise', 'after']

/** Calls `visit` with a tree, or each of a list, and all below. Other values have none. */
export function visitTrees(it, visit) {
  if (Array.isArray(it)) {
    for (const one of it) visitTrees(one, visit)
  } else if (it?.op !== undefined) {
    visit(it)
    for (const part of PARTS) visitTrees(it[part], visit)
  }
}

export function countTrees(it, isCounted = () => true) {
  let count = 0
  visitTrees(it, (tree) => {
    if (isCounted(tree)) count++
  })
  return count
}
