/** A finished run inside the page itself: the HTML report. */
import type { EmbeddedRun } from '../../../../lab/report/embedded-run.ts'
import { RunStore } from '../store/run.ts'

/** The id of the script element that holds the run. */
const EMBEDDED_ID = 'arena-lab-run'

/** The embedded run, or undefined when this page is a live one. */
export function embeddedRun(): RunStore | undefined {
  const text = document.getElementById(EMBEDDED_ID)?.textContent?.trim()
  if (text === undefined || text === '') return undefined
  return RunStore.fromEmbedded(JSON.parse(text) as EmbeddedRun)
}
