/** Whether address space fits the picture of resident memory. */
import { showVmSize, variants } from '../state.ts'

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
