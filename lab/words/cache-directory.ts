/** Where the lab keeps what can be rebuilt at any time: compiled replayers, stripped user files. */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'

/** XDG's place for caches, or `~/.cache`; not made here. A relative XDG path is to be ignored. */
export function cacheDirectory(): string {
  const { XDG_CACHE_HOME: given = '' } = process.env
  return join(isAbsolute(given) ? given : join(homedir(), '.cache'), 'arena-lab')
}

/**
 * Makes a folder inside the cache directory. Its path, or undefined where nothing can be written:
 * whoever asks then does without a cache.
 */
export function makeCacheFolder(name: string): string | undefined {
  const folder = join(cacheDirectory(), name)
  try {
    makeFolder(folder)
    accessSync(folder, constants.W_OK)
    return folder
  } catch {
    return undefined
  }
}

/**
 * One level at a time: `mkdirSync` with `recursive` never returns on a file system that refuses
 * folders with ENOENT, as /proc does (seen with Node 20.20).
 */
export function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  makeFolder(dirname(folder))
  try {
    mkdirSync(folder)
  } catch (error) {
    // Another worker may have made it meanwhile.
    if (!existsSync(folder)) throw error
  }
}
