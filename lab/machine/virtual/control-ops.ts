/**
 * The ops that concern other lab threads, in simulated time: sending, waiting, starting, joining,
 * sleeping, phase marks. An op that has to wait is begun anew when its lab thread is woken.
 */
import type { Channels } from '../../sync/channel.ts'
import type { QueueEntry } from '../../sync/run-queue.ts'
import { Cell } from '../../words/cells.ts'
import { type Control, SEAT_ROW_WORDS, SeatState, SeatWord } from '../../words/control.ts'
import { Counter } from '../../words/events.ts'
import { nextOp, readText } from '../../workload/decode.ts'
import { Op } from '../../workload/ops.ts'
import type { Costs } from './costs.ts'
import type { Engine } from './engine.ts'
import { SeatQueues } from './sim-locks.ts'
import type { VirtualProcess } from './virtual-process.ts'
import type { VirtualStarter } from './virtual-starter.ts'
import type { VirtualThread } from './virtual-thread.ts'

/** What a control op came to; AGAIN: to be begun anew when its timeline is played. */
export const Outcome = { DONE: 0, AGAIN: 1, WAITS: 2, SLEEPS: 3, EXITS: 4 } as const
export type Outcome = (typeof Outcome)[keyof typeof Outcome]

const NS_PER_MS = 1e6
const NOBODY = -1

export interface ControlOpParts {
  readonly control: Control
  readonly channels: Channels
  readonly starter: VirtualStarter
  readonly process: VirtualProcess
  readonly engine: Engine
  readonly costs: Costs
  /** Takes a started lab thread in; it begins when the op under way is over. */
  readonly seatThread: (entry: QueueEntry) => void
}

export class VirtualControlOps {
  /** After SLEEPS: until when. */
  wakeAtNs = 0
  /** Label of a phase mark just passed. */
  phase: string | undefined
  readonly #parts: ControlOpParts
  readonly #control: Control
  readonly #senders: SeatQueues
  readonly #receivers: SeatQueues
  readonly #atBarrier: SeatQueues
  readonly #arrived: Int32Array
  /** 1 for a seat whose barrier has opened: its op is over when it is begun anew. */
  readonly #passed: Uint8Array
  readonly #forSeat: SeatQueues

  constructor(parts: ControlOpParts) {
    const { seats, channelCapacities, barriers } = parts.control.plan
    this.#parts = parts
    this.#control = parts.control
    this.#senders = new SeatQueues(channelCapacities.length, seats)
    this.#receivers = new SeatQueues(channelCapacities.length, seats)
    this.#atBarrier = new SeatQueues(barriers, seats)
    this.#arrived = new Int32Array(barriers)
    this.#passed = new Uint8Array(seats)
    this.#forSeat = new SeatQueues(1, seats)
  }

  /** Begins the op at hand. DONE and EXITS move on to the next one. */
  carryOut(thread: VirtualThread, now: number): Outcome {
    const outcome = this.#carryOut(thread, now)
    if (outcome === Outcome.DONE || outcome === Outcome.SLEEPS) {
      thread.at = nextOp(thread.ops, thread.at)
    }
    return outcome
  }

  /** Wakes everybody who waits for others: the run ends. */
  wakeAll(): void {
    for (let seat = 0; seat < this.#control.plan.seats; seat++) {
      const state = this.#control.seats[seat * SEAT_ROW_WORDS + SeatWord.STATE]
      const isWaiting = state === SeatState.CHANNEL || state === SeatState.BARRIER
      if (isWaiting || state === SeatState.JOIN) this.#parts.engine.wake(seat)
    }
  }

  /** A lab thread has ended, started by thread number `startedBy` - 1: who waits for it goes on. */
  hasEnded(startedBy: number): void {
    const { seats, plan } = this.#control
    for (let seat = 0; seat < plan.seats && startedBy > 0; seat++) {
      const row = seat * SEAT_ROW_WORDS
      if (seats[row + SeatWord.THREAD] !== startedBy) continue
      if (seats[row + SeatWord.STATE] === SeatState.JOIN) this.#parts.engine.wake(seat)
    }
    this.seatFreed()
  }
  /** A seat may be free: the first who waits for one looks. */
  seatFreed(): void {
    const seat = this.#forSeat.takeFirst(0)
    if (seat !== NOBODY) this.#parts.engine.wake(seat)
  }

  #carryOut(thread: VirtualThread, now: number): Outcome {
    const { ops, at, timeline } = thread
    const operand = ops[at + 1]!
    switch (ops[at]) {
      case Op.SEND:
        return this.#send(thread, operand)
      case Op.RECEIVE:
        return this.#receive(thread, operand)
      case Op.BARRIER:
        return this.#barrier(thread, operand, ops[at + 2]!)
      case Op.WORK:
        timeline.cpu(operand * NS_PER_MS + ops[at + 2]!)
        return Outcome.DONE
      case Op.SLEEP:
        this.wakeAtNs = now + operand * NS_PER_MS + ops[at + 2]!
        return Outcome.SLEEPS
      case Op.PACE:
        thread.pace = operand
        thread.paceStartNs = now
        thread.pacedOps = 0
        return Outcome.DONE
      case Op.PHASE:
        this.phase = readText(ops, at)
        return Outcome.DONE
      case Op.START:
        return this.#start(thread, operand)
      case Op.JOIN_ALL:
        return this.#join(thread)
      case Op.EXIT:
        return Outcome.EXITS
      default:
        throw new Error(`op code ${ops[at]} at word ${at}: no such op`)
    }
  }

  // ── channels ─────────────────────────────────────────────────────────────────────────────────

  #send(thread: VirtualThread, channel: number): Outcome {
    const { channels, costs } = this.#parts
    const { seat } = thread.entry
    const cell = thread.heapOps.cellAt(thread.ops[thread.at + 2]!)
    const isFull = channels.count(channel) >= this.#control.plan.channelCapacities[channel]!
    if (isFull && this.#control.cells[cell + Cell.BLOCK] !== 0) {
      this.#senders.append(channel, seat)
      return this.#waits(thread, SeatState.CHANNEL, channel)
    }
    thread.timeline.cpu(costs.channel)
    if (channels.send(channel, cell)) this.#wakeFirst(this.#receivers, channel, thread)
    else this.#countEmpty()
    return Outcome.DONE
  }

  #receive(thread: VirtualThread, channel: number): Outcome {
    const { channels, costs } = this.#parts
    const operand = thread.ops[thread.at + 2]!
    if (channels.count(channel) === 0) {
      this.#receivers.append(channel, thread.entry.seat)
      return this.#waits(thread, SeatState.CHANNEL, channel)
    }
    thread.heapOps.emptyCell(operand)
    thread.timeline.cpu(costs.channel)
    channels.receive(channel, thread.heapOps.cellAt(operand))
    this.#wakeFirst(this.#senders, channel, thread)
    return Outcome.DONE
  }

  #wakeFirst(queue: SeatQueues, channel: number, waker: VirtualThread): void {
    const seat = queue.takeFirst(channel)
    if (seat === NOBODY) return
    waker.timeline.cpu(this.#parts.costs.futexWake)
    this.#parts.engine.wake(seat)
  }

  // ── barriers ─────────────────────────────────────────────────────────────────────────────────

  #barrier(thread: VirtualThread, barrier: number, parties: number): Outcome {
    const { costs, engine } = this.#parts
    const { seat } = thread.entry
    if (this.#passed[seat] === 1) {
      this.#passed[seat] = 0
      return Outcome.DONE
    }
    thread.timeline.cpu(costs.atomic)
    if (++this.#arrived[barrier]! < parties) {
      this.#atBarrier.append(barrier, seat)
      return this.#waits(thread, SeatState.BARRIER, barrier)
    }
    this.#arrived[barrier] = 0
    thread.timeline.cpu(costs.futexWake)
    for (;;) {
      const waiting = this.#atBarrier.takeFirst(barrier)
      if (waiting === NOBODY) return Outcome.DONE
      this.#passed[waiting] = 1
      engine.wake(waiting)
    }
  }

  // ── lab threads ──────────────────────────────────────────────────────────────────────────────

  #start(thread: VirtualThread, role: number): Outcome {
    const { starter } = this.#parts
    const { ops, at, heap, startedByRole } = thread
    const seat = starter.findSeat(heap)
    if (seat < 0) {
      this.#forSeat.append(0, thread.entry.seat)
      return this.#waits(thread, SeatState.JOIN, 0)
    }
    if (!thread.hasStack && starter.prepareStack()) {
      thread.hasStack = true
      return Outcome.AGAIN
    }
    thread.hasStack = false
    const index = startedByRole[role]!
    startedByRole[role] = index + 1
    const firstCell = ops[at + 2]!
    const text = readText(ops, at)
    const order = { role, index, firstCell, cells: ops[at + 3]!, text }
    this.#parts.seatThread(starter.start(seat, heap, order))
    thread.startsSeat = seat
    return Outcome.DONE
  }

  #join(thread: VirtualThread): Outcome {
    const { starter } = this.#parts
    const child = starter.oldestChild()
    thread.joins = child >= 0
    if (child < 0) return Outcome.DONE
    if (!starter.hasEnded(child)) return this.#waits(thread, SeatState.JOIN, child)
    starter.reap(child, thread.heap)
    this.seatFreed()
    return Outcome.AGAIN
  }

  #waits(thread: VirtualThread, state: SeatState, target: number): Outcome {
    const row = thread.entry.seat * SEAT_ROW_WORDS
    this.#control.seats[row + SeatWord.STATE] = state
    this.#control.seats[row + SeatWord.WAITS_FOR] = target + 1
    return Outcome.WAITS
  }

  #countEmpty(): void {
    const place = this.#parts.process.self.counterBase + Counter.EMPTY_OPS
    this.#control.counters[place] = this.#control.counters[place]! + 1
  }
}
