/**
 * Traces that go where random ones seldom do: into the transfer cache, the sharing of budgets, the
 * sets of long spans, and past the first pieces of metadata. As random-trace.ts: changing anything
 * invalidates the fixtures.
 */
import { Numbers } from './random-trace.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** Blocks wander: thread t allocates a batch, the next thread frees it, in another order. */
export function handoffTrace(seed: number, threads: number, rounds: number): string[] {
  const numbers = new Numbers(seed)
  const lines = ['k']
  const sizes = [8, 16, 48, 64, 112, 256, 1000, 2048, 5000, 16_384, 70_000, 200_000]
  let next = 0
  for (let round = 0; round < rounds; round++) {
    const bytes = sizes[numbers.below(sizes.length)]!
    const count = 1 + numbers.below(Math.max(8, Math.min(1500, Math.floor((2 * MIB) / bytes))))
    const from = numbers.below(threads)
    const to = numbers.below(threads)
    const first = next
    for (let i = 0; i < count; i++) lines.push(`${from} m ${next++} ${bytes - numbers.below(8)}`)
    const backwards = numbers.below(2) === 1
    for (let i = 0; i < count; i++) {
      lines.push(`${to} f ${backwards ? next - 1 - i : first + i}`)
    }
    lines.push('k')
  }
  return lines
}

/** Many threads take bursts and free them: caches overflow, and take budget from one another. */
export function burstTrace(seed: number, threads: number, rounds: number): string[] {
  const numbers = new Numbers(seed)
  const lines = ['k']
  let next = 0
  for (let round = 0; round < rounds; round++) {
    // A few are first, and rich: later ones find them only among many poor.
    const favoured = round < rounds / 4
    const thread = favoured ? numbers.below(3) : numbers.below(threads)
    const first = next
    const mean = 64 << numbers.below(6)
    const count = 50 + numbers.below(Math.floor((900 * KIB) / mean))
    for (let i = 0; i < count; i++)
      lines.push(`${thread} m ${next++} ${1 + numbers.below(2 * mean)}`)
    for (let i = first; i < next; i++) lines.push(`${thread} f ${i}`)
    if (round % 4 === 0) lines.push('k')
    if (thread > 0 && numbers.below(12) === 0) lines.push(`${thread} x`)
  }
  lines.push('k')
  return lines
}

/** Long spans of few lengths, freed in any order, given back now and then. */
export function longSpanTrace(seed: number, ops: number): string[] {
  const numbers = new Numbers(seed)
  const lines = ['k']
  const live: number[] = []
  let next = 0
  for (let op = 0; op < ops; op++) {
    const target = op % 400 < 200 ? 120 : 30
    if (live.length === 0 || numbers.below(100) < (live.length < target ? 70 : 30)) {
      const bytes = numbers.below(4) === 0 ? numbers.below(300 * KIB) : (1 + numbers.below(5)) * MIB
      lines.push(`0 m ${next} ${bytes + 8 * KIB * numbers.below(3)}`)
      live.push(next++)
    } else {
      const place = numbers.below(live.length)
      lines.push(`0 f ${live[place]}`)
      live[place] = live.at(-1)!
      live.pop()
    }
    if (numbers.below(60) === 0) lines.push('0 t 0')
    if (op % 20 === 0) lines.push('k')
  }
  lines.push('k')
  return lines
}

/** Thousands of spans and hundreds of growths: structs beyond the first pieces of metadata. */
export function manySpansTrace(): string[] {
  const lines = ['k']
  let next = 0
  const take = (count: number, bytes: number): void => {
    for (let i = 0; i < count; i++) lines.push(`0 m ${next++} ${bytes}`)
    lines.push('k')
  }
  take(3000, 3000)
  take(400, MIB + 1)
  take(200, MIB + 1)
  take(3000, 3000)
  take(6000, 8192)
  // Pages 512 MiB apart share an entry of the page cache: frees of both kinds must find the class.
  for (let i = 0; i < 3000; i++) {
    lines.push(`0 f ${i}`, `0 f ${3600 + i}`)
    if (i % 300 === 0) lines.push('k')
  }
  lines.push('k')
  return lines
}

/**
 * Free memory in pieces, some returned and some not, that only fit together: the heap passes
 * 128 MiB with more than a quarter of it free, and returns everything to find room.
 */
export function piecesTrace(): string[] {
  const lines = ['k']
  const take = (first: number, count: number, bytes: number): void => {
    for (let i = first; i < first + count; i++) lines.push(`0 m ${i} ${bytes}`)
    lines.push('k')
  }
  take(0, 100, MIB)
  for (let i = 0; i < 100; i += 4) lines.push(`0 f ${i}`)
  lines.push('k', '0 t 0', 'k')
  for (let i = 1; i < 100; i += 4) lines.push(`0 f ${i}`)
  lines.push('k')
  for (let i = 0; i < 30; i++) take(100 + i, 1, 2 * MIB)
  return lines
}
