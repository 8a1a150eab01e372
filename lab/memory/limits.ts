/** What the modelled machine allows a process: `ulimit -v` and the overcommit modes. */
import type { Control } from '../words/control.ts'
import { MappingKind } from '../words/mapping.ts'
import { bytesOfPages } from '../words/units.ts'
import { SpaceFigure, SpaceWord, spaceFigures, spaceWords } from './space-layout.ts'

/** Limits of the modelled kernel. Bytes; `undefined` means none. */
export interface SpaceLimits {
  /** cgroup memory.max: crossing it is the OOM kill. */
  readonly memoryLimit: number | undefined
  /** ulimit -v: mapping beyond it fails with ENOMEM. */
  readonly addressSpaceLimit: number | undefined
  /** vm.overcommit_memory: 0 heuristic, 1 always, 2 never beyond the ratio. */
  readonly overcommitMemory: 0 | 1 | 2
  /** vm.overcommit_ratio, percent of `ramBytes`. */
  readonly overcommitRatio: number
  /** Memory of the modelled machine, for the overcommit modes. */
  readonly ramBytes: number
}

/** vm.overcommit_memory, by the names of Linux's uapi/linux/mman.h. */
export const Overcommit = { GUESS: 0, ALWAYS: 1, NEVER: 2 } as const

/**
 * VmSize and committed bytes, and whether more of either is allowed. Called under the mmap_lock
 * only, but for `vmSizeBytes`, which any thread may read.
 *
 * Follows Linux's `may_expand_vm` (mm/mmap.c) and `__vm_enough_memory` (mm/util.c), without the
 * reserves that the latter keeps back for root and for the user.
 */
export class SpaceAccounts {
  readonly #figures: Float64Array<SharedArrayBuffer>
  readonly #at: number
  readonly #overcommit: number
  readonly #arenaHeapScale: number

  constructor(control: Control) {
    this.#figures = control.float64
    this.#at = spaceFigures(control)
    this.#overcommit = control.int32[spaceWords(control) + SpaceWord.OVERCOMMIT]!
    this.#arenaHeapScale = this.#figure(SpaceFigure.ARENA_HEAP_SCALE)
  }

  #figure(figure: number): number {
    return this.#figures[this.#at + figure]!
  }

  get vmSizeBytes(): number {
    return this.#figure(SpaceFigure.VM_SIZE)
  }
  get committedBytes(): number {
    return this.#figure(SpaceFigure.COMMITTED)
  }

  /** What `pages` of this kind add to VmSize: arena heaps count at their nominal size. */
  nominalBytes(kind: MappingKind, pages: number): number {
    const bytes = bytesOfPages(pages)
    return kind === MappingKind.ARENA_HEAP ? bytes * this.#arenaHeapScale : bytes
  }

  /** May VmSize grow by so much? RLIMIT_AS. */
  mayExpand(nominalBytes: number): boolean {
    const after = this.#figure(SpaceFigure.VM_SIZE) + nominalBytes
    return after <= this.#figure(SpaceFigure.ADDRESS_SPACE_LIMIT)
  }

  /**
   * May `bytes` more become private and writable? `freedBytes` of what is charged now will be given
   * back by the same call.
   */
  mayCommit(bytes: number, freedBytes = 0): boolean {
    if (this.#overcommit === Overcommit.ALWAYS) return true
    if (this.#overcommit === Overcommit.GUESS) return bytes <= this.#figure(SpaceFigure.RAM)
    const after = this.#figure(SpaceFigure.COMMITTED) + bytes - freedBytes
    return after <= this.#figure(SpaceFigure.COMMIT_LIMIT)
  }

  /**
   * Are private writable mappings charged, one by one? Only where it matters: in the other modes
   * arena heaps are MAP_NORESERVE and the charge decides nothing.
   */
  get charges(): boolean {
    return this.#overcommit === Overcommit.NEVER
  }

  addVmSize(nominalBytes: number): void {
    this.#figures[this.#at + SpaceFigure.VM_SIZE] = this.vmSizeBytes + nominalBytes
  }
  addCommitted(bytes: number): void {
    this.#figures[this.#at + SpaceFigure.COMMITTED] = this.committedBytes + bytes
  }
}
