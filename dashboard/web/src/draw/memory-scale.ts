/** The scale that the memory of all variants shares, and whether address space fits it. */
import { run, showVmSize, variants } from '../state.ts'

const MIB = 1024 * 1024

/** VmSize is drawn by itself where it adds no more than this to the scale. */
const VM_SIZE_ROOM = 1.25

/**
 * VmSize is drawn when the user says so, or by itself when address space is limited, or hardly
 * larger than what is drawn anyway: reserves of arenas would otherwise press that flat.
 */
export function vmSizeIsShown(): boolean {
  if (showVmSize.value !== null) return showVmSize.value
  if ((run.value?.description.limits['addressSpaceLimit'] ?? null) !== null) return true
  const vmSize = vmSizeMax()
  return vmSize > 0 && vmSize <= VM_SIZE_ROOM * residentMax()
}

/** Top of the shared scale, bytes: RSS of all variants, the limit and VmSize where they fit. */
export function scaleMax(): number {
  return Math.max(residentMax(), vmSizeIsShown() ? vmSizeMax() : 0) * 1.06
}

/** The largest RSS of all variants, or the memory limit where it is near enough to be drawn. */
function residentMax(): number {
  const limit = run.value?.memoryLimit ?? 0
  const rss = Math.max(8 * MIB, ...variants.value.map(({ rssMax }) => rssMax))
  return limit < 3 * rss ? Math.max(rss, limit) : rss
}

const vmSizeMax = (): number => Math.max(0, ...variants.value.map((variant) => variant.vmSizeMax))
