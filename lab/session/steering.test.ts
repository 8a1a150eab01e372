/** Goal: who waits for whom at a mark, and who is let go when, whatever order things come in. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Steering } from './steering.ts'

/** What a variant's machine was told. */
class FakeMachine {
  readonly told: string[] = []
  pause(): Promise<void> {
    this.told.push('pause')
    return Promise.resolve()
  }
  resume(): void {
    this.told.push('resume')
  }
}

/** A promise that can be looked at. */
async function isSettled(promise: Promise<void>): Promise<boolean> {
  let settled = false
  void promise.then(() => {
    settled = true
  })
  for (let turn = 0; turn < 5; turn++) await Promise.resolve()
  return settled
}

function steered(variants: number, held = false) {
  const steering = new Steering(held)
  const machines = Array.from({ length: variants }, () => new FakeMachine())
  for (const place of machines.keys()) steering.begin(place)
  for (const [place, machine] of machines.entries()) steering.started(place, machine)
  return { steering, machines }
}

describe('steering: marks', () => {
  it('one variant alone passes each mark at once', async () => {
    const { steering } = steered(1)
    expect(await isSettled(steering.arrive(0, 'day 0'))).toBe(true)
    expect(await isSettled(steering.arrive(0, 'day 1'))).toBe(true)
  })

  it('variants that run at once wait until the last has come, or has ended', async () => {
    const { steering } = steered(3)
    const first = steering.arrive(0, 'day 0')
    const second = steering.arrive(1, 'day 0')
    expect(await isSettled(first)).toBe(false)
    expect(await isSettled(second)).toBe(false)
    steering.ended(2)
    expect(await isSettled(first)).toBe(true)
    expect(await isSettled(second)).toBe(true)
    const alone = steering.arrive(0, 'day 1')
    expect(await isSettled(alone)).toBe(false)
    expect(await isSettled(steering.arrive(1, 'day 1'))).toBe(true)
    expect(await isSettled(alone)).toBe(true)
  })

  it('an end lets everybody go, and nobody is kept afterwards', async () => {
    const { steering } = steered(2, true)
    const waiting = steering.arrive(0, 'start')
    steering.abort()
    expect(await isSettled(waiting)).toBe(true)
    expect(await isSettled(steering.arrive(1, 'start'))).toBe(true)
  })
})

describe('steering: by hand', () => {
  it('held: it stands at the start, goes from mark to mark, then on', async () => {
    const { steering } = steered(2, true)
    const arrive = (mark: string) => [steering.arrive(0, mark), steering.arrive(1, mark)]
    const start = arrive('start')
    expect(steering.state).toEqual({ mode: 'paused', mark: 'start' })
    expect(await isSettled(start[0]!)).toBe(false)
    steering.step()
    expect(steering.state).toEqual({ mode: 'stepping', mark: '' })
    expect(await isSettled(start[1]!)).toBe(true)
    const day = arrive('day 0')
    expect(steering.state).toEqual({ mode: 'paused', mark: 'day 0' })
    expect(await isSettled(day[0]!)).toBe(false)
    steering.resume()
    expect(await isSettled(day[0]!)).toBe(true)
    expect(await isSettled(arrive('day 1')[0]!)).toBe(true)
    expect(steering.state).toEqual({ mode: 'running', mark: '' })
  })

  it('paused between marks: machines are told; a mark reached then is not passed', async () => {
    const { steering, machines } = steered(2)
    const early = steering.arrive(0, 'day 0')
    await steering.pause()
    expect(machines.map(({ told }) => told)).toEqual([['pause'], ['pause']])
    const late = steering.arrive(1, 'day 0')
    expect(await isSettled(late)).toBe(false)
    expect(steering.state).toEqual({ mode: 'paused', mark: 'day 0' })
    steering.resume()
    expect(machines[1]!.told).toEqual(['pause', 'resume'])
    expect(await isSettled(early)).toBe(true)
    expect(await isSettled(late)).toBe(true)
  })

  it('a machine that starts while the run is paused is paused too', () => {
    const steering = new Steering(true)
    const machine = new FakeMachine()
    steering.begin(0)
    steering.started(0, machine)
    expect(machine.told).toEqual(['pause'])
  })

  it('every change is told', async () => {
    const { steering } = steered(1)
    const modes: string[] = []
    steering.onChange = ({ mode, mark }) => modes.push(`${mode} ${mark}`)
    await steering.pause()
    steering.step()
    void steering.arrive(0, 'day 0')
    steering.resume()
    expect(modes).toEqual(['paused ', 'stepping ', 'paused day 0', 'running '])
  })
})

describe('steering: any order', () => {
  const action = fc.oneof(
    fc.constantFrom('pause', 'resume', 'step'),
    fc.integer({ min: 0, max: 3 }),
  )

  it('nobody is a mark ahead, and all can be let go in the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
        const { steering } = steered(4)
        const marks = [0, 0, 0, 0]
        const standing = new Set<number>()
        const arrive = (place: number): void => {
          if (standing.has(place)) return
          standing.add(place)
          void steering.arrive(place, `${marks[place]}`).then(() => {
            standing.delete(place)
            marks[place]!++
          })
        }
        for (const step of actions) {
          if (step === 'pause') await steering.pause()
          else if (step === 'resume') steering.resume()
          else if (step === 'step') steering.step()
          else arrive(Number(step))
          for (let turn = 0; turn < 3; turn++) await Promise.resolve()
          expect(Math.max(...marks) - Math.min(...marks)).toBe(0)
        }
        steering.abort()
        for (let turn = 0; turn < 3; turn++) await Promise.resolve()
        expect(standing.size).toBe(0)
      }),
      { numRuns: 300 },
    )
  })
})
