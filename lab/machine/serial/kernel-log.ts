/** System calls in their order, with their sizes: what `verify --syscalls` compares with strace. */

export type KernelCall = 'brk' | 'mmap' | 'munmap' | 'mremap' | 'mprotect' | 'madvise'

export class KernelLog {
  /** `mmap 135168`, `brk +135168`, `mremap 4096 8192`. */
  readonly lines: string[] = []

  add(call: KernelCall, bytes: number, newBytes: number | undefined): void {
    if (call === 'brk') this.lines.push(`brk ${bytes > 0 ? '+' : ''}${bytes}`)
    else if (newBytes === undefined) this.lines.push(`${call} ${bytes}`)
    else this.lines.push(`${call} ${bytes} ${newBytes}`)
  }
}
