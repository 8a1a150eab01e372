/** Shared words are named by number in tables that many hands edit: one name for each number. */
import { describe, expect, it } from 'vitest'
import { ControlWord, LogField, SeatState, SeatWord } from './control.ts'
import { Counter, Event } from './events.ts'

describe('control: numbers', () => {
  it.each(
    Object.entries({
      ControlWord,
      LogField,
      SeatState,
      SeatWord,
      Figure: { ...Counter, ...Event },
    }),
  )('of %s are each used once', (_, table) => {
    const numbers = Object.values(table)
    expect(numbers.filter((number, place) => numbers.indexOf(number) !== place)).toEqual([])
  })
})
