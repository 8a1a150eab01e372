/** Page tables with a planted bug each: what the property test must catch. */

import { PageTable } from '../../lab/memory/page-table.ts'
import * as transitions from '../../lab/memory/page-transitions.ts'
import { PAGE_STATE_MASK, PageState } from '../../lab/words/page-state.ts'
import type { WordIndex } from '../../lab/words/units.ts'
import { pageOfWord } from '../../lab/words/units.ts'
import type { WorldOptions } from './world.ts'

/** Hands pages out with what their earlier owner left in them. */
class NotZeroed extends PageTable {
  override zeroPages(_first: number, _end: number): void {}
}

/** Unmaps pages without taking them off RSS. */
const forgetsRss: NonNullable<WorldOptions['makePages']> = (heap, control, self) => {
  class ForgetsRss extends PageTable {
    override change(first: number, end: number, transition: transitions.Transition): void {
      if (transition !== transitions.UNMAP) {
        super.change(first, end, transition)
        return
      }
      for (let page = first; page < end; page++) {
        control.pages[page] = transition[control.pages[page]!]!
      }
    }
  }
  return new ForgetsRss(heap, control, self)
}

/** Moves words, but the pages arrive untouched: mremap loses page states. */
const losesStates: NonNullable<WorldOptions['makePages']> = (heap, control, self) => {
  class LosesStates extends PageTable {
    override moveTo(first: number, end: number, target: number): void {
      super.moveTo(first, end, target)
      for (let page = target; page < target + end - first; page++) {
        const state = control.pages[page]! & PAGE_STATE_MASK
        if (state === PageState.RESIDENT) control.pages[page] = PageState.STALE
      }
    }
  }
  return new LosesStates(heap, control, self)
}

/** Forgets that unmapped pages hold old words: the next owner finds them. */
const forgetsDirt: NonNullable<WorldOptions['makePages']> = (heap, control, self) => {
  class ForgetsDirt extends PageTable {
    override change(first: number, end: number, transition: transitions.Transition): void {
      super.change(first, end, transition)
      if (transition !== transitions.UNMAP) return
      control.pages.fill(PageState.UNMAPPED, first, end)
    }
  }
  return new ForgetsDirt(heap, control, self)
}

/** Takes a write to the zero page for a write to a resident one: no second fault, no RSS. */
const forgetsZeroPage: NonNullable<WorldOptions['makePages']> = (heap, control, self) => {
  class ForgetsZeroPage extends PageTable {
    override fault(word: WordIndex): void {
      if (control.pages[pageOfWord(word)] !== PageState.ZERO) super.fault(word)
    }
  }
  return new ForgetsZeroPage(heap, control, self)
}

export const FAULTY_PAGES: Readonly<Record<string, NonNullable<WorldOptions['makePages']>>> = {
  'stale pages are not zeroed': (heap, control, self) => new NotZeroed(heap, control, self),
  'munmap forgets RSS': forgetsRss,
  'mremap loses page states': losesStates,
  'munmap forgets that pages are dirty': forgetsDirt,
  'a write to the zero page is no fault': forgetsZeroPage,
}
