/**
 * The account of a schedule: its last switches, and what each lab thread was doing then. Figures
 * are kept always, because they cost little; where in the design's code a lab thread stood is only
 * found out when a schedule that has failed is carried out once more.
 */
import { lockFigures, locksMade } from '../../sync/lock-table.ts'
import type { Control } from '../../words/control.ts'
import { byteOfWord, type WordIndex } from '../../words/units.ts'
import { OP_NAMES } from '../../workload/ops.ts'
import { deadlockMessage } from '../waiters.ts'
import { ACCESS_NAMES, Access } from './access.ts'
import { STRATEGY_NAMES } from './choices.ts'
import {
  Doing,
  ExploreWord,
  type ExploreWords,
  RowState,
  RowWord,
  SWITCH_TEXT_BYTES,
  SwitchWord,
} from './layout.ts'

/** Switches that the account tells. */
const TOLD = 20
/** Functions named of the place where a lab thread stood, innermost first. */
const FRAMES_TOLD = 3
const FRAMES_CAUGHT = 40

export class Account {
  readonly #explore: ExploreWords
  readonly #control: Control
  readonly #encoder = new TextEncoder()

  constructor(explore: ExploreWords, control: Control) {
    this.#explore = explore
    this.#control = control
  }

  /** A switch is about to happen. By its giver. */
  note(from: number, to: number, access: Access, word: number, lock: number): void {
    const { words } = this.#explore
    const at = this.#explore.switchAt(words[ExploreWord.SWITCHES]!)
    const giver = this.#explore.row(from)
    words[at + SwitchWord.STEP] = words[ExploreWord.STEP]!
    words[at + SwitchWord.FROM] = words[giver + RowWord.THREAD]!
    words[at + SwitchWord.TO] = to
    words[at + SwitchWord.DOING] = words[giver + RowWord.DOING]!
    words[at + SwitchWord.ACCESS] = access
    words[at + SwitchWord.WORD] = word
    words[at + SwitchWord.LOCK] = lock
    words[at + SwitchWord.TEXT_BYTES] = 0
    if (words[ExploreWord.RETOLD] === 0 || access === Access.ENDED) return
    const bytes = this.#encoder.encode(placeInCode()).subarray(0, SWITCH_TEXT_BYTES)
    this.#explore.textOf(at).set(bytes)
    words[at + SwitchWord.TEXT_BYTES] = bytes.length
  }

  /** Why nobody can go on. */
  deadlock(): string {
    return deadlockMessage(this.#control)
  }

  /** The whole account, after the schedule has failed in `worker` with `error`: its lines. */
  tell(worker: number, error: unknown): string[] {
    const { words } = this.#explore
    const switches = words[ExploreWord.SWITCHES]!
    const strategy = STRATEGY_NAMES[words[ExploreWord.STRATEGY]!]
    const first = Math.max(0, switches - TOLD)
    const lines = [
      `schedule ${words[ExploreWord.SCHEDULE]} (${strategy}): ` +
        `${words[ExploreWord.STEP]} accesses, ` +
        `${switches} switches${first > 0 ? `; the last ${TOLD}:` : ':'}`,
    ]
    for (let number = first; number < switches; number++) lines.push(this.#line(number))
    const row = this.#explore.row(worker)
    const doing = doingName(words[row + RowWord.DOING]!)
    const place = error instanceof Error ? placeInCode(error.stack) : ''
    lines.push(
      `${step(words[ExploreWord.STEP]!)} T${words[row + RowWord.THREAD]}${doing} fails` +
        `${place === '' ? '' : `, in ${place}`}`,
    )
    lines.push(...this.#others(worker))
    return lines
  }

  #line(number: number): string {
    const { words } = this.#explore
    const at = this.#explore.switchAt(number)
    const doing = doingName(words[at + SwitchWord.DOING]!)
    const access = words[at + SwitchWord.ACCESS]! as Access
    const bytes = this.#explore.textOf(at).slice(0, words[at + SwitchWord.TEXT_BYTES]!)
    const place = new TextDecoder().decode(bytes)
    return (
      `${step(words[at + SwitchWord.STEP]!)} T${words[at + SwitchWord.FROM]}${doing} ` +
      `${ACCESS_NAMES[access]}${this.#object(at, access)}${place === '' ? '' : `, in ${place}`}`
    )
  }

  /** The word or the lock that a lab thread stopped at. */
  #object(at: number, access: Access): string {
    const { words } = this.#explore
    const lock = words[at + SwitchWord.LOCK]!
    if (lock >= 0) return ` "${lockFigures(this.#control, lock).name}"`
    if (access === Access.WAITS || access === Access.NEXT_OP) return ''
    const word = words[at + SwitchWord.WORD]!
    return word === 0 ? '' : ` 0x${byteOfWord(word as WordIndex).toString(16)}`
  }

  /** Where the others stand, and which locks are held. */
  #others(worker: number): string[] {
    const { words } = this.#explore
    const lines: string[] = []
    for (let other = 0; other < this.#explore.workers; other++) {
      const row = this.#explore.row(other)
      if (other === worker || words[row + RowWord.STATE] === RowState.IDLE) continue
      const doing = doingName(words[row + RowWord.DOING]!)
      if (doing !== '') lines.push(`T${words[row + RowWord.THREAD]} is still in${doing}`)
    }
    for (let id = 0; id < locksMade(this.#control); id++) {
      const { name, holderThread } = lockFigures(this.#control, id)
      if (holderThread >= 0) lines.push(`T${holderThread} holds "${name}"`)
    }
    return lines
  }
}

const step = (number: number): string => `step ${String(number).padEnd(6)}`

/** With a blank in front; nothing between ops. */
function doingName(doing: number): string {
  if (doing === Doing.NOTHING) return ''
  if (doing === Doing.BEGINS) return ' (starting)'
  if (doing === Doing.ENDS) return ' (ending)'
  return ` ${OP_NAMES[doing] ?? `op ${doing}`}`
}

/** Folder of the lab's own code: `file:///…/lab/`. */
const LAB = new URL('../../', import.meta.url).href

/** The innermost functions of the design on the stack: `pushFastbin (free.js:61) < intFree`. */
function placeInCode(stack = stackHere()): string {
  const frames: string[] = []
  for (const line of stack.split('\n').slice(1)) {
    const found = /at (?:new )?(\S+) \(?(.*?([^/\\]+\.[cm]?[jt]s:\d+)):\d+\)?$/.exec(line)
    if (found === null) continue
    const [, name, path, place] = found
    if (path!.startsWith(LAB) || path!.includes('node_modules')) continue
    const short = name!.replace(/^.*\./, '')
    frames.push(frames.length === 0 ? `${short} (${place})` : short)
    if (frames.length === FRAMES_TOLD) break
  }
  return frames.join(' < ')
}

function stackHere(): string {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = FRAMES_CAUGHT
  const stack = new Error().stack ?? ''
  Error.stackTraceLimit = limit
  return stack
}
