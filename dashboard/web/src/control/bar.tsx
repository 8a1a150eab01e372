/** Above the views: what the run does, the buttons that steer it, and what can be kept of it. */
import { useEffect } from 'preact/hooks'
import type { SteerAction } from '../../../protocol.ts'
import { argumentsOf, commandLine, queryOf, setupOfRun } from '../../../setup.ts'
import { send } from '../feed/live.ts'
import { connection, mayControl, run } from '../state.ts'
import { catalogue, openedRun, session } from './session.ts'
import { CommandText, CopyButton } from './start-panel.tsx'

/** Nothing in a report that was opened from a file: there is nobody to ask. */
export function ControlBar() {
  const opened = openedRun()
  if (opened !== undefined) return <OpenedRun name={opened} />
  if (connection.value === 'offline' || session.value === undefined) return null
  return <RunUnderWay />
}

function RunUnderWay() {
  const state = session.value!
  const active = state.activity === 'running'
  return (
    <section class="control-bar" aria-label="The run">
      <p class={`run-state ${active ? state.mode : state.activity}`} role="status">
        {stateText()}
      </p>
      {mayControl.value && active && <Steering paused={state.mode === 'paused'} />}
      {state.command !== '' && (
        <div class="command-line">
          <CommandText text={state.command} />
          <CopyButton what="running-command" label="Copy" text={state.command} />
        </div>
      )}
      {state.run !== '' && <Keep run={state.run} ended={state.activity === 'idle'} />}
    </section>
  )
}

function stateText(): string {
  const { activity, mode, mark, problem } = session.value!
  if (activity === 'starting') return 'Starting'
  if (activity === 'ending') return 'Ending'
  if (activity === 'idle') return problem === '' ? 'Ended' : problem
  if (mode === 'stepping') return 'Running to the next phase mark'
  if (mode === 'running') return 'Running'
  if (mark === '') return 'Paused'
  return mark === 'start' ? 'Paused before the first op' : `Paused at “${mark}”`
}

function Steering({ paused }: { readonly paused: boolean }) {
  const steer = (action: SteerAction): void => send({ type: 'steer', action })
  const first = paused ? 'resume' : 'pause'
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (!event.altKey || event.ctrlKey || event.metaKey) return
      if (event.code === 'KeyP') steer(first)
      else if (event.code === 'KeyN') steer('step')
      else return
      event.preventDefault()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [first])
  return (
    <div class="buttons">
      <button type="button" aria-keyshortcuts="Alt+P" onClick={() => steer(first)}>
        {paused ? 'Resume' : 'Pause'}
      </button>
      <button type="button" aria-keyshortcuts="Alt+N" onClick={() => steer('step')}>
        Step a phase
      </button>
      <button type="button" onClick={() => steer('stop')}>
        Stop
      </button>
    </div>
  )
}

/** A past run, on a page of its own. */
function OpenedRun({ name }: { readonly name: string }) {
  const description = run.value?.description
  if (description === undefined) return null
  const labels = description.variants.map(({ label }) => label)
  const setup = setupOfRun(description, labels)
  const again = queryOf(setup)
  const command = commandLine(argumentsOf(setup))
  return (
    <section class="control-bar" aria-label="The run">
      <p class="run-state ended">
        Past run <span class="run-folder">{name}</span>
      </p>
      <div class="buttons">
        <a class="button" href="/">
          All runs
        </a>
        <a class="button" href={`/#${again}`}>
          Set up again
        </a>
      </div>
      <div class="command-line">
        <CommandText text={command} />
        <CopyButton what="past-command" label="Copy" text={command} />
      </div>
      <Keep run={name} ended />
    </section>
  )
}

const FILES = [
  ['samples.csv', 'CSV'],
  ['samples.ndjson', 'NDJSON'],
  ['trace.json', 'Trace for Perfetto'],
] as const

/** What can be saved of a run, each a plain link. The report is written when it ends. */
function Keep({ run: name, ended }: { readonly run: string; readonly ended: boolean }) {
  return (
    <p class="keep">
      <span>Save</span>
      {ended && (
        <a href={`/run/${name}/report.html`} download>
          Report
        </a>
      )}
      {FILES.map(([file, label]) => (
        <a key={file} href={`/run/${name}/${file}`} download>
          {label}
        </a>
      ))}
    </p>
  )
}

/** The two screens of a dashboard that starts runs. */
export function Screens({ on }: { readonly on: 'setup' | 'run' }) {
  if (catalogue.value === undefined || (session.value?.run ?? '') === '') return null
  return (
    <nav class="screens" aria-label="Screens">
      <a href={`#${session.value?.query ?? ''}`} aria-current={on === 'setup' ? 'page' : false}>
        Set up
      </a>
      <a href="#run" aria-current={on === 'run' ? 'page' : false}>
        Run
      </a>
    </nav>
  )
}
