/** Takes the figures out of the text that the real tcmalloc prints about itself. */
import { WATERFALL } from '../../../allocators/tcmalloc/stats-text.ts'

const BYTES_OR_COUNT = /^MALLOC: [ +=] +(\d+) .*[A-Za-z]/
const CLASS = /^class +(\d+) \[ +(\d+) bytes \] : +(\d+) objs/
const LENGTHS = /^PageHeap: (\d+) sizes/
const SPANS = /^ *(\d+) pages \* +(\d+) spans/
const LONGER = /^>\d+ +large \* +(\d+) spans/

/** The lines of `statsText`, from MallocExtension::GetStats at its longer length. */
export function tcmallocStatsLines(text: string): string {
  let figures = 0
  const lines = text.split('\n').flatMap((line) => {
    const waterfall = BYTES_OR_COUNT.exec(line)
    if (waterfall !== null) return `${WATERFALL[figures++]}: ${waterfall[1]}`
    const ofClass = CLASS.exec(line)
    if (ofClass !== null) return `class ${ofClass[1]} of ${ofClass[2]} bytes: ${ofClass[3]} free`
    const lengths = LENGTHS.exec(line)
    if (lengths !== null) return `lengths of free spans: ${lengths[1]}`
    const spans = SPANS.exec(line)
    if (spans !== null) return `spans of ${spans[1]} pages: ${spans[2]} free`
    const longer = LONGER.exec(line)
    return longer === null ? [] : `longer spans: ${longer[1]} free`
  })
  return `${lines.join('\n')}\n`
}
