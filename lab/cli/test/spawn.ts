/** Runs the built command line as a user does: a process of its own, in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../../dist/lab/cli/main.js', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Resolves when stderr has said something that matches, with what matched. */
  said(pattern: RegExp): Promise<string>
}

export function start(cwd: string, args: readonly string[]): Running {
  return follow(cwd, process.execPath, [MAIN, ...args])
}

/** As a disk that is full after so many KiB a file: writing fails there with EFBIG. */
export function runWithFileLimit(cwd: string, kib: number, ...args: string[]): Promise<Ended> {
  const script = `ulimit -f ${kib}; exec "$@"`
  return follow(cwd, 'bash', ['-c', script, 'bash', process.execPath, MAIN, ...args]).ended
}

/** Standard output cannot take a byte, as on a full disk. */
export function runWithFullOutput(cwd: string, ...args: string[]): Promise<Ended> {
  const script = 'exec "$@" > /dev/full'
  return follow(cwd, 'bash', ['-c', script, 'bash', process.execPath, MAIN, ...args]).ended
}

/** In a process group of its own, as a shell starts it: `process.kill(-pid)` is Ctrl-C. */
export function startAsJob(cwd: string, args: readonly string[]): Running {
  return follow(cwd, 'setsid', [process.execPath, MAIN, ...args])
}

function follow(cwd: string, command: string, args: readonly string[]): Running {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (data: Buffer) => {
    stdout += data.toString()
  })
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString()
  })
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
  const said = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(stderr)
        if (found !== null) resolve(found[0])
      }
      look()
      child.stderr.on('data', look)
      child.on('close', () => reject(new Error(`ended before ${pattern}: ${stderr}`)))
    })
  return { child, ended, said }
}

export const runCli = (cwd: string, ...args: string[]): Promise<Ended> => start(cwd, args).ended
