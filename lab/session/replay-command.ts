/** The command that carries one schedule of the explore machine out again, exactly. */
import type { RunRequest } from './types.ts'

/**
 * Everything that the schedule depends on is spelled out, so that it is the same on another host
 * and with other defaults.
 */
export function replayCommand(request: RunRequest, variant: string, schedule: number): string {
  const { limits } = request
  const words = [
    'arena-lab run',
    quoted(request.scenario),
    `-a ${quoted(variant)}`,
    ...request.params.map(({ name, text }) => `-P ${quoted(`${name}=${text}`)}`),
    `--machine explore --schedules 1 --schedule-seed ${schedule}`,
    `--seed ${request.seed} --cores ${request.cores} --heap ${request.heapBytes}`,
    option('--memory-limit', limits.memoryLimit),
    option('--address-space-limit', limits.addressSpaceLimit),
    limits.overcommitMemory === 0
      ? ''
      : `--overcommit-memory ${limits.overcommitMemory} --ram ${limits.ramBytes} ` +
        `--overcommit-ratio ${limits.overcommitRatio}`,
    request.spinCount === 0 ? '' : `--spin ${request.spinCount}`,
    request.fill ? '--fill' : '',
    request.drain ? '--drain' : '',
  ]
  return words.filter((word) => word !== '').join(' ')
}

const option = (name: string, value: number | undefined): string =>
  value === undefined ? '' : `${name} ${value}`

/** As a POSIX shell reads it back. */
const quoted = (text: string): string =>
  /^[\w./:=,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
