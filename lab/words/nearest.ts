/** Which valid name a mistyped one was meant to be. */
import { BadInput, quoted } from './bad-input.ts'

/**
 * Edit distance: insertions, deletions, substitutions and swaps of neighbours that turn `a` into
 * `b` (optimal string alignment).
 */
export function editDistance(a: string, b: string): number {
  let twoBack: number[] = []
  let back = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let best = Math.min(
        back[column]! + 1,
        current[column - 1]! + 1,
        back[column - 1]! + (same ? 0 : 1),
      )
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2]
      if (swapped && a[row - 2] === b[column - 1]) best = Math.min(best, twoBack[column - 2]! + 1)
      current.push(best)
    }
    twoBack = back
    back = current
  }
  return back[b.length]!
}

/**
 * Up to `most` of `names` close enough to `given` to be what was meant, nearest first. Case, `_`,
 * `-` and `.` do not count; a name that holds the given one, or begins like it, is near too.
 */
export function nearestNames(given: string, names: Iterable<string>, most = 3): string[] {
  const wanted = plain(given)
  if (wanted === '') return []
  const limit = Math.max(2, Math.floor(wanted.length / 3))
  const found: { name: string; distance: number }[] = []
  for (const name of new Set(names)) {
    const candidate = plain(name)
    const holds = wanted.length >= 3 && (candidate.includes(wanted) || wanted.includes(candidate))
    const distance = holds ? 1 : editDistance(wanted, candidate)
    if (distance <= limit && distance < Math.max(wanted.length, candidate.length)) {
      found.push({ name, distance })
    }
  }
  found.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
  return found.slice(0, most).map(({ name }) => name)
}

const plain = (name: string): string => name.toLowerCase().replace(/[-_.\s]/g, '')

const LISTED_MAX = 24

/**
 * `unknown scenario 'seedservce': did you mean seedservice? (scenarios: …)`. `kind` is the singular
 * noun; `names` are the valid ones, `also` further accepted spellings that are not worth listing.
 */
export function unknownName(
  kind: string,
  given: string,
  names: readonly string[],
  also: readonly string[] = [],
): BadInput {
  const near = nearestNames(given, [...names, ...also])
  const meant = near.length > 0 ? `: did you mean ${near.join(' or ')}?` : ''
  const listed = names.slice(0, LISTED_MAX).join(', ') + (names.length > LISTED_MAX ? ', …' : '')
  const all = names.length > 0 ? ` (known: ${listed})` : ' (there are none)'
  return new BadInput(`unknown ${kind} ${quoted(given)}${meant}${all}`)
}
