/**
 * What all isolates of a run share: the heap, the control buffer, and the design booted in them.
 * `createSharedRun` makes it on the main thread; `openSharedRun` rebuilds the views anywhere.
 */
import { type Design, type ThreadInfo, TLS_WORDS } from '../../allocators/contract.ts'
import { AddressSpace, createAddressSpace } from '../memory/address-space.ts'
import { KernelMutex, Locks } from '../sync/locks.ts'
import {
  type Control,
  type ControlPlace,
  type ControlPlan,
  type ControlSizes,
  ControlWord,
  planControl,
  viewControl,
} from '../words/control.ts'
import {
  bytesOfWords,
  KIB,
  PAGE_BYTES,
  PAGE_WORDS,
  roundUp,
  type SharedWords,
  type WordIndex,
  wordAt,
  wordsOfBytes,
} from '../words/units.ts'
import type { ScenarioPlan } from '../workload/plan.ts'
import { type WasmMemory, WebAssembly } from './compiled/webassembly.ts'
import { type Clock, createSelf, LabProcess } from './process.ts'
import type { RunPlan } from './types.ts'

/** Rows of shared tables. Mappings: Linux's vm.max_map_count. */
export const TABLES = { mappingsMax: 65_530, locksMax: 4096, logEntries: 16_384 }
/** 2 MiB: drained 20 times a second, it holds 650 000 waits and releases a second. */
const WAIT_ENTRIES = 32_768
/**
 * What a small dynamic C program has before it does anything, on Debian 12: program text, libc, the
 * loader, static data and the main stack. /proc/self/status of one that had started and joined 16
 * threads said VmSize 2344 KiB before its first malloc, and 1460 KiB of file pages in RSS beside
 * the
 * 96 KiB of anonymous ones it began with.
 */
const IMAGE_BYTES = 2340 * KIB
const IMAGE_RESIDENT_BYTES = 1556 * KIB

/** The first page is never mapped, so that word 0 is NULL. */
const DATA_START = PAGE_WORDS as WordIndex

/** Plain data that a worker needs to open the run. Buffers are shared, the rest is copied. */
export interface SharedRunInit {
  readonly plan: RunPlan
  readonly tunables: Readonly<Record<string, number>>
  readonly heapBuffer: SharedArrayBuffer
  readonly heapBytes: number
  readonly controlPlace: ControlPlace
  /** Heap and control buffer in one, for compiled designs. */
  readonly memory: WasmMemory | undefined
  readonly controlPlan: ControlPlan
  /** Wall-clock origin of the run's clock, in ms since the epoch. */
  readonly clockOriginMs: number
}

/** A run, as one isolate sees it. */
export interface SharedRun {
  readonly init: SharedRunInit
  readonly design: Design
  readonly heap: SharedWords
  readonly control: Control
  /** Start of the design's static data. */
  readonly dataStart: WordIndex
  /** The process as the lab thread on `seat` sees it. */
  processFor(seat: number, thread: number, clock: Clock): LabProcess
  /** Where a seat's thread-local storage lies. */
  threadInfo(seat: number, thread: number): ThreadInfo
}

/** Lays everything out and boots the design. Main thread, once. */
export function createSharedRun(
  plan: RunPlan,
  design: Design,
  needs: ScenarioPlan,
  clock: { originMs: number; now: Clock },
  tables = TABLES,
  place = placeApart,
): { run: SharedRun; notice: string | undefined } {
  const fitted = design.fit?.(plan.variant.tunables, plan) ?? {
    tunables: plan.variant.tunables,
    notice: undefined,
    arenaHeapScale: 1,
  }
  const { heapBuffer, heapBytes, controlPlace, controlPlan, memory } = place({
    seats: plan.threads,
    heapBytes: plan.heapBytes,
    cellsPerSeat: needs.privateCells,
    tableCells: needs.tableCells,
    channelCapacities: needs.channelCapacities,
    barriers: needs.barriers,
    runQueueSlots: plan.threads + 1,
    ...tables,
    waitEntries: plan.traceWaits === true ? WAIT_ENTRIES : 0,
  })
  const heap = new Int32Array(heapBuffer, 0, wordsOfBytes(heapBytes))
  const control = viewControl(controlPlace, controlPlan)
  const dataBytes = tlsOffsetBytes(design) + bytesOfWords(TLS_WORDS) * plan.threads
  const { arenaHeapScale } = fitted
  createAddressSpace(heap, control, { dataBytes, arenaHeapScale }, plan.limits)
  control.words[ControlWord.SPIN_COUNT] = plan.spinCount
  const init: SharedRunInit = {
    plan,
    tunables: fitted.tunables,
    heapBuffer,
    heapBytes,
    controlPlace,
    controlPlan,
    memory,
    clockOriginMs: clock.originMs,
  }
  const run = openSharedRun(init, design)
  new KernelMutex(control, new Locks(control, createSelf(0, 0), clock.now)).make()
  const process = run.processFor(0, 0, clock.now)
  mapProcessImage(process)
  design.boot(process, fitted.tunables)
  return { run, notice: fitted.notice }
}

/** Where heap and control buffer of a run lie. */
export interface RunPlaces {
  readonly heapBuffer: SharedArrayBuffer
  readonly heapBytes: number
  readonly controlPlace: ControlPlace
  readonly controlPlan: ControlPlan
  readonly memory: WasmMemory | undefined
}

/** Each in a buffer of its own. */
export function placeApart(sizes: ControlSizes): RunPlaces {
  const controlPlan = planControl(sizes)
  return {
    heapBuffer: new SharedArrayBuffer(sizes.heapBytes),
    heapBytes: sizes.heapBytes,
    controlPlace: { buffer: new SharedArrayBuffer(controlPlan.bytes), start: 0 },
    controlPlan,
    memory: undefined,
  }
}

/** Pages of WebAssembly, and the most that a memory can have: 4 GiB. */
const WASM_PAGE_BYTES = 65_536
const WASM_PAGES_MAX = 65_536
/** Room for the tables that compiled code reads: see lab/machine/compiled. */
const TABLE_BYTES = 16 * KIB
/** Words of ops a lab thread has before it: those of a benchmark's loop role fit. */
const OP_WORDS = 2 ** 20
/** Of all lab threads together: 256 MiB, of which only what is used is ever resident. */
const OP_WORDS_ALL = 2 ** 26

/**
 * The control buffer behind the heap, in one WebAssembly memory. A heap that leaves it no room
 * within 4 GiB is made so much smaller; a larger one cannot be compiled for, and lies apart.
 */
export function placeTogether(sizes: ControlSizes): RunPlaces {
  const bytesMax = WASM_PAGES_MAX * WASM_PAGE_BYTES
  if (sizes.heapBytes > bytesMax) return placeApart(sizes)
  const opWords = Math.min(OP_WORDS, Math.floor(OP_WORDS_ALL / sizes.seats))
  const wanted = { ...sizes, tableBytes: TABLE_BYTES, opWords }
  const room = bytesMax - roundUp(planControl(wanted).bytes, WASM_PAGE_BYTES)
  if (room < bytesMax / 2) return placeApart(sizes)
  const heapBytes = Math.min(sizes.heapBytes, room)
  const controlPlan = planControl({ ...wanted, heapBytes })
  const pages = Math.ceil((heapBytes + controlPlan.bytes) / WASM_PAGE_BYTES)
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
  const { buffer } = memory
  return {
    heapBuffer: buffer,
    heapBytes,
    controlPlace: { buffer, start: heapBytes },
    controlPlan,
    memory,
  }
}

/** Counted in VmSize and RSS, but in no counter: it was there before the process's first call. */
function mapProcessImage(process: LabProcess): void {
  process.space.mapStack(IMAGE_BYTES)
  process.space.residentOutside(IMAGE_RESIDENT_BYTES)
  process.control.counters.fill(0)
}

/** The same run, seen from any isolate. */
export function openSharedRun(init: SharedRunInit, design: Design): SharedRun {
  const heap = new Int32Array(init.heapBuffer, 0, wordsOfBytes(init.heapBytes))
  const control = viewControl(init.controlPlace, init.controlPlan)
  const tlsStart = wordAt(DATA_START, wordsOfBytes(tlsOffsetBytes(design)))
  return {
    init,
    design,
    heap,
    control,
    dataStart: DATA_START,
    processFor(seat, thread, clock) {
      const self = createSelf(seat, thread)
      const locks = new Locks(control, self, clock)
      const space = new AddressSpace(heap, control, self, new KernelMutex(control, locks))
      const cores = init.plan.cores
      return new LabProcess({
        words: heap,
        control,
        space,
        locks,
        self,
        clock,
        cores,
        dataStart: DATA_START,
      })
    },
    threadInfo(seat, thread) {
      return { seat, thread, tls: wordAt(tlsStart, seat * TLS_WORDS) }
    },
  }
}

/** The design's static data comes first; thread-local storage starts on a page of its own. */
const tlsOffsetBytes = (design: Design): number => roundUp(design.dataBytes, PAGE_BYTES)
