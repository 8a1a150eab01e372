/** The scale that the memory of all variants shares, and whether address space fits it. */
import { run, showVmSize, variants } from '../state.ts'

const MIB = 1024 * 1024

/**
 * VmSize is drawn when the user says so, or by itself while it is at most 2.5 times the largest
 * RSS: 64 MiB of reserve per arena would otherwise press everything else flat.
 */
export function vmSizeIsShown(): boolean {
  if (showVmSize.value !== null) return showVmSize.value
  let rss = 0
  let vmSize = 0
  for (const variant of variants.value) {
    rss = Math.max(rss, variant.rssMax)
    vmSize = Math.max(vmSize, variant.vmSizeMax)
  }
  return vmSize > 0 && vmSize <= 2.5 * rss
}

/** Top of the shared scale, bytes: RSS of all variants, the limit and VmSize where they fit. */
export function scaleMax(): number {
  const limit = run.value?.memoryLimit ?? 0
  let max = 8 * MIB
  for (const { rssMax } of variants.value) max = Math.max(max, rssMax)
  if (limit < 3 * max) max = Math.max(max, limit)
  if (vmSizeIsShown()) for (const { vmSizeMax } of variants.value) max = Math.max(max, vmSizeMax)
  return max * 1.06
}
