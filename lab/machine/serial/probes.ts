/** Which probe reads which design's heap. */
import type { Design } from '../../../allocators/contract.ts'
import { glibc, openGlibc } from '../../../allocators/ptmalloc/glibc.ts'
import { openPtmalloc2, ptmalloc2 } from '../../../allocators/ptmalloc/ptmalloc2.ts'
import type { GlibcTunables, Ptmalloc2Tunables } from '../../../allocators/ptmalloc/tunables.ts'
import { tcmalloc } from '../../../allocators/tcmalloc/design.ts'
import type { TcmallocTunables } from '../../../allocators/tcmalloc/tunables.ts'
import type { HeapProbe } from './heap-probe.ts'
import { PlainProbe } from './plain-probe.ts'
import { PtmallocProbe } from './ptmalloc-probe.ts'
import type { SerialProcess } from './serial-process.ts'
import { TcmallocProbe } from './tcmalloc-probe.ts'

type Tunables = Readonly<Record<string, number>>

/** After the design has booted. Tunables were resolved by the design's own specs: all are there. */
export function probeFor(design: Design, tunables: Tunables, process: SerialProcess): HeapProbe {
  if (design.name === glibc.name) {
    const m = openGlibc(process, tunables as Record<keyof GlibcTunables, number>)
    return new PtmallocProbe(m, process.space)
  }
  if (design.name === ptmalloc2.name) {
    const m = openPtmalloc2(process, tunables as Record<keyof Ptmalloc2Tunables, number>)
    return new PtmallocProbe(m, process.space)
  }
  if (design.name === tcmalloc.name) {
    return new TcmallocProbe(process, tunables as Record<keyof TcmallocTunables, number>)
  }
  return new PlainProbe(process.space)
}
