/** Files that are either whole or not there: written beside their place, then renamed into it. */
import { renameSync, rmSync, writeFileSync } from 'node:fs'

/**
 * Writes all of `text`, or throws and leaves nothing new behind (an older file stays as it was).
 */
export function writeWholeFile(path: string, text: string): void {
  const unfinished = `${path}.${process.pid}.unfinished`
  try {
    writeFileSync(unfinished, text, { flush: true })
    renameSync(unfinished, path)
  } catch (error) {
    rmSync(unfinished, { force: true })
    throw error
  }
}

/** `No space left on device` and the like, without Node's system-call trailer. */
export function diskProblem(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return DISK_PROBLEMS[code] ?? (error instanceof Error ? error.message : String(error))
}

const DISK_PROBLEMS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file',
  EISDIR: 'it is a folder',
  ENOENT: 'no such file or folder',
  EFBIG: 'the file would be too large',
  EIO: 'the device reports an error',
}
