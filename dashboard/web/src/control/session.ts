/** What the server tells of itself and its session, and which of the two screens is on show. */
import { computed, signal } from '@preact/signals'
import type { Catalogue, PastRuns, SessionState } from '../../../catalogue.ts'
import { FIRST_SETUP, queryOf, type RunSetup, setupOfQuery } from '../../../setup.ts'
import { send } from '../feed/live.ts'
import { mayControl, notice } from '../state.ts'

/** What can be run; undefined on a dashboard that shows one run only. */
export const catalogue = signal<Catalogue | undefined>(undefined)
export const session = signal<SessionState | undefined>(undefined)
export const pastRuns = signal<PastRuns>({ runs: [], left: 0 })
/** What the form on the start page says. */
export const setup = signal<RunSetup>(FIRST_SETUP)
/** A start was asked for and not answered yet. */
export const starting = signal(false)

/** The address of the run under way on this page; everything else behind `#` is a setup. */
const RUN_HASH = '#run'
const hash = signal('')

export const screen = computed<'setup' | 'run'>(() =>
  catalogue.value === undefined || hash.value === RUN_HASH ? 'run' : 'setup',
)

/** A past run, opened as a page of its own by a server of ours: its folder's name. */
export function openedRun(): string | undefined {
  return /^\/run\/([^/]+)$/.exec(location.pathname)?.[1]
}

/** Takes the setup from the address, now and whenever it changes. */
export function followAddress(): void {
  const read = (): void => {
    hash.value = location.hash
    const given = setupOfQuery(location.hash)
    if (given !== undefined) setup.value = given
  }
  addEventListener('hashchange', () => {
    read()
    scrollTo(0, 0)
  })
  read()
}

/** Changes the form, and with it the address, so that the link says what is seen. */
export function change(part: Partial<RunSetup>): void {
  setup.value = { ...setup.value, ...part }
  history.replaceState(null, '', setupLink(setup.value))
  hash.value = location.hash
}

export const setupLink = (of: RunSetup): string => `#${queryOf(of)}`

export function applySession(state: SessionState): void {
  const before = session.value
  session.value = state
  if (state.activity !== 'running') {
    if (state.activity === 'idle') starting.value = false
    return
  }
  // Whoever opens the page while a run goes on wants to see it; so does whoever started it.
  const cameForIt = before === undefined && location.hash === ''
  if (cameForIt || starting.value) location.hash = RUN_HASH
  starting.value = false
}

export function start(hold: boolean): void {
  notice.value = ''
  starting.value = true
  send({ type: 'start', setup: setup.value, hold })
}

/** Why nothing can be started now; empty when it can. */
export function whyNot(): string {
  if (!mayControl.value) {
    return (
      'This dashboard only watches. Run the command in a terminal, or start the dashboard with ' +
      '--control.'
    )
  }
  const activity = session.value?.activity ?? 'idle'
  return activity === 'idle' ? '' : 'A run is under way: stop it before you start another.'
}
