/** Reads what `strace -f` wrote of a native replay: the memory calls that malloc made. */

export const STRACE_OPTIONS: readonly string[] = [
  '-f',
  '-qq',
  '-s0',
  '-e',
  'trace=brk,mmap,munmap,mprotect,madvise,mremap',
]

/** The replayer makes this call before the trace's first op and after its last. */
const MARK = 'madvise(NULL, 0, '
const CALL = /^(?:\d+ +)?(\w+)\(([^)]*)\) *= (-?\w+)/
const PID = /^(\d+) +/

/** `brk +135168`, `mmap 67108864`, … in order, without what stacks and the replayer itself cost. */
export function memoryCalls(text: string): string[] {
  const reader = new StraceReader()
  for (const line of wholeLines(text)) reader.line(line)
  return reader.calls
}

/** Joins `<unfinished ...>` and `<... resumed>` halves, at the place of the first. */
function wholeLines(text: string): string[] {
  const lines: string[] = []
  const open = new Map<string, number>()
  for (const line of text.split('\n')) {
    const pid = PID.exec(line)?.[1] ?? ''
    if (line.endsWith('<unfinished ...>')) {
      open.set(pid, lines.push(line.slice(0, -'<unfinished ...>'.length).trimEnd()) - 1)
    } else if (line.includes('resumed>')) {
      const at = open.get(pid)
      if (at !== undefined) lines[at] += line.slice(line.indexOf('resumed>') + 'resumed>'.length)
    } else {
      lines.push(line)
    }
  }
  return lines
}

class StraceReader {
  readonly calls: string[] = []
  #inside = false
  #break = 0
  /** Ranges of stacks and of the replayer's own tables: [start, end). */
  readonly #others: { start: number; end: number }[] = []

  line(line: string): void {
    if (line.includes(MARK)) {
      this.#inside = !this.#inside
      return
    }
    const [, name = '', list = '', result = ''] = CALL.exec(line) ?? []
    const operands = list.split(', ')
    if (name === 'brk') this.#brk(operands[0]!, Number(result))
    else if (this.#inside && name !== '') this.#call(name, operands, Number(result))
  }

  #brk(wanted: string, result: number): void {
    const delta = Number(wanted) - this.#break
    if (this.#inside) this.calls.push(`brk ${delta > 0 ? '+' : ''}${delta}`)
    this.#break = result
  }

  #call(name: string, operands: readonly string[], result: number): void {
    const start = Number(operands[0])
    const bytes = Number(operands[1])
    const flags = operands[3] ?? ''
    if (name === 'mmap' && /MAP_STACK|MAP_POPULATE/.test(flags)) {
      this.#others.push({ start: result, end: result + bytes })
      return
    }
    const other = this.#others.findIndex((range) => start >= range.start && start < range.end)
    if (name !== 'mmap' && other >= 0) {
      if (name === 'munmap') this.#others.splice(other, 1)
      return
    }
    this.calls.push(name === 'mremap' ? `mremap ${bytes} ${operands[2]}` : `${name} ${bytes}`)
  }
}
