/** Hands files to the user: made in the page, so that a report from a file can do it too. */
import { drawForFile } from '../draw/canvas.ts'
import { paintNow } from '../frame.ts'
import { axisEnd, axisText, moment, notice, run, variants } from '../state.ts'
import { setupText, stateOf } from '../words.ts'
import { FILE_SCALE, sectionPng } from './section-png.ts'

/** How long the address of a file must hold for the browser to have taken it. */
const ADDRESS_MS = 10_000

function save(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), ADDRESS_MS)
}

/** Saves a view of the page as `seedservice-arenas.png`. */
export async function savePng(section: HTMLElement): Promise<void> {
  const shown = run.value?.description
  if (shown === undefined) return
  const head = [
    `arena-lab ${shown.scenario}`,
    setupText(shown),
    ...variants.value.map((variant) => `${variant.description.label}: ${stateOf(variant).text}`),
    `at ${axisText(moment.value ?? axisEnd())}`,
  ]
  drawForFile(FILE_SCALE)
  paintNow(section)
  try {
    save(await sectionPng(section, head.join(' · ')), `${shown.scenario}-${section.id}.png`)
  } catch (error) {
    notice.value = error instanceof Error ? error.message : String(error)
  } finally {
    drawForFile(0)
    paintNow(section)
  }
}
