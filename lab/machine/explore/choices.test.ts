/** The choices of a schedule: from seed and number alone, whatever was chosen before. */
import { describe, expect, it } from 'vitest'
import { Choices, Strategy } from './choices.ts'
import { CHANGE_POINTS_MAX, ExploreWord, ExploreWords, RowWord } from './layout.ts'

const WORKERS = 4
const STEPS = 2000

function open(): { choices: Choices; explore: ExploreWords } {
  const explore = new ExploreWords(WORKERS)
  explore.words[ExploreWord.STEPS_WITHOUT_SWITCHES] = STEPS
  return { choices: new Choices(explore), explore }
}

/** What a schedule would do if everybody could always go on: step and worker of each switch. */
function switchesOf({ choices, explore }: ReturnType<typeof open>, seed: number, schedule: number) {
  const able = Int32Array.from({ length: WORKERS }, (_, worker) => worker)
  const { words } = explore
  const switches: string[] = []
  let me = 0
  words[ExploreWord.STEP] = 0
  choices.begin(seed, schedule)
  for (let step = 1; step <= STEPS; step++) {
    words[ExploreWord.STEP] = step
    const due = step >= words[ExploreWord.SWITCH_AT]!
    if (due) choices.switchIsDue(me)
    const sync = step % 10 === 0 && choices.switchAtSync()
    if (!due && !sync) continue
    const next = choices.pick(able, WORKERS, me)
    if (next !== me) switches.push(`${step}:${next}`)
    me = next
  }
  return switches
}

const strategyOf = ({ explore }: ReturnType<typeof open>) => explore.words[ExploreWord.STRATEGY]

describe('explore: choices', () => {
  it('are the same for the same seed and number, whatever was chosen before', () => {
    const fresh = open()
    const used = open()
    for (let schedule = 1; schedule < 40; schedule++) {
      const choices = switchesOf(used, 7, schedule)
      expect(switchesOf(fresh, 7, schedule)).toEqual(choices)
      expect(switchesOf(used, 7, schedule)).toEqual(choices)
    }
  })

  it('differ from number to number and from seed to seed', () => {
    const opened = open()
    const seen = new Set<string>()
    for (let schedule = 1; schedule <= 50; schedule++) {
      for (const seed of [1, 2, 3]) seen.add(switchesOf(opened, seed, schedule).join())
    }
    // Two schedules with few change points may agree by chance, not many.
    expect(seen.size).toBeGreaterThan(135)
  })

  it('schedule 0 plans no switch; the others take turns with the strategies', () => {
    const opened = open()
    expect(switchesOf(opened, 1, 0)).toEqual([])
    const strategies = [1, 2, 3, 4, 5, 6].map((schedule) => {
      opened.choices.begin(1, schedule)
      return strategyOf(opened)
    })
    expect(new Set(strategies)).toEqual(
      new Set([Strategy.RANDOM, Strategy.PRIORITIES, Strategy.LOCKS]),
    )
    expect(strategies.slice(0, 3)).toEqual(strategies.slice(3))
  })

  it('a change point makes whoever runs the last to run', () => {
    const opened = open()
    const { choices, explore } = opened
    const able = Int32Array.from({ length: WORKERS }, (_, worker) => worker)
    for (let schedule = 3; schedule < 60; schedule += 3) {
      choices.begin(5, schedule)
      expect(strategyOf(opened)).toBe(Strategy.PRIORITIES)
      let me = choices.pick(able, WORKERS, 0)
      const passed: number[] = []
      while (passed.length < CHANGE_POINTS_MAX && explore.words[ExploreWord.SWITCH_AT]! <= STEPS) {
        passed.push(explore.words[ExploreWord.SWITCH_AT]!)
        choices.switchIsDue(me)
        const next = choices.pick(able, WORKERS, me)
        expect(next).not.toBe(me)
        const lowest = Math.min(
          ...[...able].map((worker) => explore.words[explore.row(worker) + RowWord.PRIORITY]!),
        )
        expect(explore.words[explore.row(me) + RowWord.PRIORITY]).toBe(lowest)
        me = next
      }
      expect(passed.length).toBeGreaterThan(0)
      expect(passed).toEqual([...passed].sort((a, b) => a - b))
    }
  })
})
