/** Which probe reads which design's heap. */
import type { Design } from '../../../allocators/contract.ts'
import { glibc, glibcRules } from '../../../allocators/ptmalloc/glibc.ts'
import { NO_THREAD, Ptmalloc } from '../../../allocators/ptmalloc/ptmalloc.ts'
import { type GlibcTunables, glibcSettings } from '../../../allocators/ptmalloc/tunables.ts'
import type { HeapProbe } from './heap-probe.ts'
import { PlainProbe } from './plain-probe.ts'
import { PtmallocProbe } from './ptmalloc-probe.ts'
import type { SerialProcess } from './serial-process.ts'

/** After the design has booted. */
export function probeFor(
  design: Design,
  tunables: Readonly<Record<string, number>>,
  process: SerialProcess,
): HeapProbe {
  if (design.name === glibc.name) {
    // A registered design's tunables were resolved by its own specs: every name is there.
    const settings = glibcSettings(tunables as Readonly<Record<keyof GlibcTunables, number>>)
    return new PtmallocProbe(new Ptmalloc(process, settings, glibcRules, NO_THREAD), process.space)
  }
  return new PlainProbe(process.space)
}
