/** Beside the form: the command that does the same, and the buttons that begin. */
import { Fragment } from 'preact'
import { useEffect } from 'preact/hooks'
import type { Catalogue } from '../../../catalogue.ts'
import { argumentsOf, commandLine } from '../../../setup.ts'
import { notice } from '../state.ts'
import { copied, copy } from './copy.ts'
import { problemsOf } from './draft.ts'
import { session, setup, setupLink, start, starting, whyNot } from './session.ts'

export function StartPanel({ catalogue }: { readonly catalogue: Catalogue }) {
  const command = commandLine(argumentsOf(setup.value))
  const wrong = problemsOf(setup.value, catalogue)
  const reason = whyNot()
  const ready = reason === '' && wrong === 0 && !starting.value
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && ready) start(false)
      else if (event.altKey && event.code === 'KeyC') void copy('command', command)
      else return
      event.preventDefault()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  })
  return (
    <section class="view first start-panel" aria-labelledby="command-title">
      <h2 id="command-title">The same in a terminal</h2>
      <CommandText text={command} />
      <div class="buttons">
        <CopyButton what="command" label="Copy command" text={command} keys="Alt+C" />
        <CopyButton what="link" label="Copy link" text={linkOf()} />
      </div>
      <div class="buttons">
        <button
          type="button"
          class="primary"
          disabled={!ready}
          aria-keyshortcuts="Control+Enter"
          onClick={() => start(false)}
        >
          {starting.value ? 'Starting …' : 'Start'}
        </button>
        <button type="button" disabled={!ready} onClick={() => start(true)}>
          Start paused
        </button>
      </div>
      <p class="status" role="status">
        {wrong > 0 && (
          <span class="problem">
            {wrong === 1 ? 'One value would be refused.' : `${wrong} values would be refused.`}
          </span>
        )}
        {notice.value !== '' && <span class="problem">{notice.value}</span>}
        {(session.value?.problem ?? '') !== '' && (
          <span class="problem">{session.value?.problem}</span>
        )}
        {wrong === 0 && reason !== '' && <span>{reason}</span>}
      </p>
      <p class="meaning">
        “Start paused” stands still before the first op: step from phase to phase from there.
        Ctrl+Enter starts, Alt+C copies the command.
      </p>
    </section>
  )
}

/** Without the token, which is in the cookie. */
const linkOf = (): string => `${location.origin}${location.pathname}${setupLink(setup.value)}`

/** A command, broken before each option so that it can be read. */
export function CommandText({ text }: { readonly text: string }) {
  return (
    <code class="command">
      {text.split(/ (?=-)/).map((part, place) => (
        <Fragment key={place}>
          {place > 0 && ' '}
          <span>{part}</span>
        </Fragment>
      ))}
    </code>
  )
}

interface CopyProps {
  readonly what: string
  readonly label: string
  readonly text: string
  readonly keys?: string
}

export function CopyButton({ what, label, text, keys }: CopyProps) {
  const done = copied.value === what
  const failed = copied.value === `${what}-failed`
  return (
    <button
      type="button"
      {...(keys === undefined ? {} : { 'aria-keyshortcuts': keys })}
      onClick={() => void copy(what, text)}
    >
      <span aria-live="polite">{done ? 'Copied' : failed ? 'Not allowed here' : label}</span>
    </button>
  )
}
