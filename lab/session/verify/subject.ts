/** What is compared with what: a design with its tunables, and the real allocator set the same. */
import { readFileSync } from 'node:fs'
import type { Design } from '../../../allocators/contract.ts'
import { parseVariant, resolveTunables } from '../../../allocators/parse-tunables.ts'
import type { TunableSpec } from '../../../allocators/tunables.ts'
import { loadDesign } from '../../machine/designs.ts'
import { nativeGlibcVersion, nativeTcmallocVersion } from '../../machine/native/build.ts'
import { isGlibcTunable, type NativeSettings } from '../../machine/native/environment.ts'
import { CHECK_COMPARED, CHECK_FIGURES, TCMALLOC_FIGURES } from '../../machine/placements.ts'
import { BadInput, quoted } from '../../words/bad-input.ts'

export interface Subject {
  /** As the user wrote it. */
  readonly label: string
  readonly design: Design
  readonly tunables: Readonly<Record<string, number>>
  /** The same for the real one: what was assigned, under its own names. */
  readonly settings: NativeSettings
  /** The real one, as the native machine names it. */
  readonly allocator: string
  /** Places of the checkpoint figures that are compared, and their names. */
  readonly compared: readonly { readonly place: number; readonly name: string }[]
}

/** mallinfo2, resident bytes and the hash of every chunk. */
const GLIBC_COMPARED = CHECK_FIGURES.slice(0, CHECK_COMPARED).map((name, place) => ({
  name,
  place,
}))
/** Resident bytes and MallocExtension's properties. */
const TCMALLOC_COMPARED = [
  { name: 'rss', place: CHECK_FIGURES.indexOf('rss') },
  ...TCMALLOC_FIGURES.map((name, i) => ({ name, place: CHECK_FIGURES.length + i })),
]

/**
 * `glibc:tcache_count=0` and the like. `BadInput` when it cannot be compared with a real malloc.
 */
export async function subjectOf(variantText: string): Promise<Subject> {
  const variant = parseVariant(variantText)
  const design = await loadDesign(variant.design)
  const tunables = resolveTunables(design.tunables, variant.assignments)
  const { label } = variant
  const settings = settingsOf(design, tunables)
  const compared = design.name === 'tcmalloc' ? TCMALLOC_COMPARED : GLIBC_COMPARED
  return { label, design, tunables, settings, allocator: design.name, compared }
}

/** What differs from the defaults; glibc's defaults are values that no user can assign. */
export function settingsOf(
  design: Design,
  tunables: Readonly<Record<string, number>>,
): NativeSettings {
  const settings: Record<string, number> = {}
  const specs = design.tunables as Readonly<Record<string, TunableSpec>>
  for (const [name, value] of Object.entries(tunables)) {
    if (value === specs[name]?.default) continue
    settings[name] = value
  }
  return settings
}

/** Why a tunable of tcmalloc cannot be compared with Debian’s library. */
const TCMALLOC_BEYOND: Readonly<Record<string, string>> = {
  skip_sbrk: 'with skip_sbrk blocks lie in mappings, and where those lie is the kernel’s choice',
  max_thread_cache_size: 'kMaxThreadCacheSize is compiled into the real library',
  default_overall_thread_cache_size:
    'kDefaultOverallThreadCacheSize is compiled into the real library ' +
    '(max_total_thread_cache_bytes can be compared)',
  max_overages: 'kMaxOverages is compiled into the real library',
}

/** Designs and settings that a real allocator can be given too, and compared block by block. */
export function requireVerifiable({ design, label, settings }: Subject): void {
  if (design.name !== 'glibc' && design.name !== 'tcmalloc') {
    throw new BadInput(`${quoted(label)} cannot be verified: expected glibc or tcmalloc`)
  }
  for (const name of Object.keys(settings)) {
    const reason = design.name === 'glibc' ? beyondGlibc(name) : TCMALLOC_BEYOND[name]
    if (reason !== undefined) {
      throw new BadInput(`${quoted(label)} cannot be verified: ${reason}`)
    }
  }
}

const beyondGlibc = (name: string): string | undefined =>
  isGlibcTunable(name) ? undefined : `the real one has no ${name}`

/** The releases whose sources the models follow. */
export const GLIBC_VERSION = '2.36'
const TCMALLOC_VERSION = '2.10'

/** `BadInput` where this machine's allocator is another release than the model follows. */
export async function requireSameRelease(subjects: readonly Subject[]): Promise<void> {
  for (const allocator of new Set(subjects.map((subject) => subject.allocator))) {
    const isGlibc = allocator === 'glibc'
    const model = isGlibc ? GLIBC_VERSION : TCMALLOC_VERSION
    const real = isGlibc ? await nativeGlibcVersion() : await nativeTcmallocVersion()
    if (real === model) continue
    throw new BadInput(
      `verify: the model is ${allocator} ${model}, this machine has ${real}: they do differ`,
    )
  }
}

/**
 * CPUs online, as glibc counts them for its arena limit (getsysstats.c, __get_nprocs): not those
 * this process may run on.
 */
export function onlineCores(): number {
  const text = readFileSync('/sys/devices/system/cpu/online', 'utf8').trim()
  let count = 0
  for (const range of text.split(',')) {
    const [first = 0, last = first] = range.split('-').map(Number)
    count += last - first + 1
  }
  return count
}
