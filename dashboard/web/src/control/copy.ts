/** Copying a text, with a word on how it went. */
import { signal } from '@preact/signals'

/** What was copied last, for a moment: `command`, `link`; empty otherwise. */
export const copied = signal('')

const SHOWN_MS = 2000
let timer: ReturnType<typeof setTimeout> | undefined

export async function copy(what: string, text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
    copied.value = what
  } catch {
    copied.value = `${what}-failed`
  }
  clearTimeout(timer)
  timer = setTimeout(() => {
    copied.value = ''
  }, SHOWN_MS)
}
