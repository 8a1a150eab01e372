/** An address space in small buffers, with its model beside it: what the tests work on. */

import {
  AddressSpace,
  createAddressSpace,
  type SpaceLimits,
} from '../../lab/memory/address-space.ts'
import type { KernelLock, KernelSelf } from '../../lab/memory/kernel-ports.ts'
import { SPARE_ROWS } from '../../lab/memory/mapping-table.ts'
import { PageTable } from '../../lab/memory/page-table.ts'
import { SpaceWord, spaceWords } from '../../lab/memory/space-layout.ts'
import { type Control, ControlWord, createControl, RunState } from '../../lab/words/control.ts'
import type { SharedWords } from '../../lab/words/units.ts'
import { ModelSpace } from './model.ts'

export const PAGE = 4096
const MIB = 1024 * 1024

const NO_LIMITS: SpaceLimits = {
  memoryLimit: undefined,
  addressSpaceLimit: undefined,
  overcommitMemory: 1,
  overcommitRatio: 50,
  ramBytes: 1024 * MIB,
}

export interface WorldOptions {
  readonly heapBytes?: number
  readonly dataBytes?: number
  readonly rowsMax?: number
  readonly arenaHeapScale?: number
  readonly seats?: number
  readonly limits?: Partial<SpaceLimits>
  readonly makePages?: (heap: SharedWords, control: Control, self: KernelSelf) => PageTable
}

export interface World {
  readonly heap: SharedWords
  readonly control: Control
  readonly self: KernelSelf
  readonly space: AddressSpace
  readonly model: ModelSpace
}

/** A spinning mmap_lock on the word that lab/memory leaves for it. */
function spinLock(control: Control): KernelLock {
  const place = spaceWords(control) + SpaceWord.MMAP_LOCK
  return {
    lock() {
      while (Atomics.compareExchange(control.int32, place, 0, 1) !== 0) {
        Atomics.wait(control.int32, place, 1, 0.05)
      }
    },
    unlock() {
      Atomics.store(control.int32, place, 0)
      Atomics.notify(control.int32, place, 1)
    },
  }
}

export function createWorld(options: WorldOptions = {}): World {
  const heapBytes = options.heapBytes ?? 2 * MIB
  const dataBytes = options.dataBytes ?? 3 * PAGE
  const rowsMax = options.rowsMax ?? 1000
  const arenaHeapScale = options.arenaHeapScale ?? 1
  const limits = { ...NO_LIMITS, ...options.limits }
  const control = createControl({
    seats: options.seats ?? 2,
    heapBytes,
    mappingsMax: rowsMax + SPARE_ROWS,
    locksMax: 1,
    cellsPerSeat: 1,
    tableCells: 0,
    channelCapacities: [],
    barriers: 0,
    runQueueSlots: 1,
    logEntries: 1,
  })
  control.words[ControlWord.STATE] = RunState.RUNNING
  const heap = new Int32Array(new SharedArrayBuffer(heapBytes))
  createAddressSpace(heap, control, { dataBytes, arenaHeapScale }, limits)
  const self = { counterBase: 0, seat: 0, thread: 0 }
  const pages = options.makePages?.(heap, control, self) ?? new PageTable(heap, control, self)
  const space = new AddressSpace(heap, control, self, spinLock(control), pages)
  const model = new ModelSpace({
    heapPages: heapBytes / PAGE,
    dataPages: Math.ceil(dataBytes / PAGE),
    breakPage: Math.ceil((PAGE + dataBytes) / MIB) * (MIB / PAGE),
    rowsMax,
    arenaHeapScale,
    limits,
  })
  return { heap, control, self, space, model }
}
