/** The system's Chromium, for tests of the page. */
import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'
import { describe, it } from 'vitest'

/** `CHROMIUM=/path` names another one. */
const named = process.env['CHROMIUM']
const PATHS = named === undefined ? ['/usr/bin/chromium', '/usr/bin/chromium-browser'] : [named]

/** Undefined when this machine has none: tests then say loudly that they were left out. */
const chromiumPath: string | undefined = PATHS.find((path) => existsSync(path))

/** Starts it without a window. Whoever starts it closes it. */
export function startChromium(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error('no Chromium: apt-get install chromium')
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/**
 * `describe` for tests in Chromium. Where there is none they are left out, and say so loudly; under
 * `CI=true` they fail instead, so that nobody mistakes a machine without a browser for a pass.
 */
export function describeInChromium(name: string, tests: () => void): void {
  if (chromiumPath !== undefined) {
    describe(name, tests)
  } else if (process.env['CI'] === 'true') {
    it(name, () => {
      throw new Error('no Chromium on this machine: apt-get install chromium')
    })
  } else {
    console.warn(`\n*** LEFT OUT, NO CHROMIUM: ${name} (apt-get install chromium) ***\n`)
    describe.skip(`${name} (LEFT OUT: no Chromium)`, tests)
  }
}
