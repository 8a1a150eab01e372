/** The system's Chromium, for tests of the page. */
import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const PATHS = [process.env['CHROMIUM'] ?? '', '/usr/bin/chromium', '/usr/bin/chromium-browser']

/** Undefined when this machine has none: tests then say loudly that they were left out. */
export const chromiumPath: string | undefined = PATHS.find((path) => path && existsSync(path))

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
