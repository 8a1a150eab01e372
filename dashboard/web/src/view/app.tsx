/** The page as a whole. */

import type { RunDescription } from '../../../protocol.ts'
import { ControlBar, Screens } from '../control/bar.tsx'
import { catalogue, screen } from '../control/session.ts'
import { StartPage } from '../control/start-page.tsx'
import { connection, notice, run, skippedFrames } from '../state.ts'
import { nextTheme, theme } from '../theme.ts'
import { setupText } from '../words.ts'
import { AllocatorView } from './allocator.tsx'
import { ArenasView } from './arenas.tsx'
import { Cards } from './cards.tsx'
import { EventsView } from './events.tsx'
import { LocksView } from './locks.tsx'
import { MappedView } from './mapped.tsx'
import { MatrixView } from './matrix.tsx'
import { MemoryView } from './memory.tsx'
import { SpeedView } from './speed.tsx'
import { TimeBar } from './timebar.tsx'

export function App() {
  const on = screen.value
  return on === 'setup' && catalogue.value !== undefined ? (
    <>
      <Head description={undefined} />
      <main>
        <StartPage catalogue={catalogue.value} />
      </main>
    </>
  ) : (
    <RunScreen />
  )
}

function RunScreen() {
  const shown = run.value
  return (
    <>
      <Head description={shown?.description} />
      <main>
        <ControlBar />
        {notice.value !== '' && (
          <p class="notice" role="status">
            {notice.value}
          </p>
        )}
        {shown === undefined ? (
          <p class="empty">{waitingText()}</p>
        ) : (
          // A new run is a new set of pictures: nothing of the old one may stay.
          <Run key={shown.description} />
        )}
      </main>
      {shown !== undefined && <TimeBar />}
    </>
  )
}

/** Views by their ids, as the list at the head names them. */
const VIEWS = [
  ['memory', 'Memory'],
  ['arenas', 'Arenas'],
  ['matrix', 'Frees'],
  ['locks', 'Waiting'],
  ['speed', 'Speed'],
  ['allocator', 'Bins and chunks'],
  ['mapped', 'Mappings'],
  ['events', 'Events'],
] as const

function Run() {
  return (
    <>
      <Cards />
      <nav class="views" aria-label="Views">
        {VIEWS.map(([id, name]) => (
          <a href={`#${id}`} key={id}>
            {name}
          </a>
        ))}
      </nav>
      <MemoryView />
      <ArenasView />
      <MatrixView />
      <LocksView />
      <SpeedView />
      <AllocatorView />
      <MappedView />
      <EventsView />
    </>
  )
}

function waitingText(): string {
  return connection.value === 'lost'
    ? 'The run’s process does not answer. If it has ended, open report.html of its run folder.'
    : 'Waiting for the run to begin …'
}

function Head({ description }: { readonly description: RunDescription | undefined }) {
  return (
    <header class="page-head">
      <h1>
        arena-lab
        {description !== undefined && <span> {description.scenario}</span>}
      </h1>
      {description !== undefined && <p class="setup">{setupText(description)}</p>}
      <Screens on={screen.value} />
      <div class="tools">
        <ConnectionState />
        <button type="button" class="quiet" onClick={nextTheme}>
          {`Theme: ${theme.value}`}
        </button>
      </div>
    </header>
  )
}

const CONNECTION_TEXT = {
  offline: 'report',
  connecting: 'connecting',
  live: 'live',
  lost: 'connection lost',
} as const

function ConnectionState() {
  const skipped = skippedFrames.value
  return (
    <span class={`connection ${connection.value}`} role="status">
      {CONNECTION_TEXT[connection.value]}
      {skipped > 0 && ` · ${skipped} frames skipped`}
    </span>
  )
}
