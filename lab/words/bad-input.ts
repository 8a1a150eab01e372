/**
 * What the user gave us cannot work: a wrong name, value, file or line. The command line prints
 * the message as it is, one line, and exits with 2; anything else that is thrown is our own fault.
 */
export class BadInput extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(oneLine(message), options)
    this.name = 'BadInput'
  }
}

/**
 * True for a `BadInput` of any isolate or module instance: one that crossed a thread or came out of
 * a user's file through another copy of this module is no `instanceof` ours.
 */
export const isBadInput = (error: unknown): error is Error =>
  error instanceof Error && error.name === 'BadInput'

/** `text` with line breaks turned into spaces, so that a message stays one line. */
function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ')
}

const QUOTED_MAX = 80

/**
 * Something the user wrote, as a message shows it: in quotes, control characters made visible,
 * cut after 80 characters.
 */
export function quoted(text: string): string {
  const cut = text.length > QUOTED_MAX ? `${text.slice(0, QUOTED_MAX)}…` : text
  return `'${cut.replace(/\p{C}/gu, escapeOf)}'`
}

function escapeOf(character: string): string {
  if (character === '\t') return '\\t'
  if (character === '\r') return '\\r'
  if (character === '\n') return '\\n'
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}

/** What an unknown thrown value says: an error's message, else its text. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)
