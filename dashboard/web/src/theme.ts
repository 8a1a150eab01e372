/** Light or dark: as the system says, unless the user chose. */
import { signal } from '@preact/signals'
import { readPalette } from './palette.ts'
import { changed } from './state.ts'

export type Theme = 'auto' | 'light' | 'dark'
const THEMES: readonly Theme[] = ['auto', 'light', 'dark']
const KEY = 'arena-lab-theme'

export const theme = signal<Theme>('auto')

/** Takes up the stored choice, and follows the system from now on. */
export function followTheme(): void {
  theme.value = stored()
  show()
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', show)
  matchMedia('(resolution: 1dppx)').addEventListener('change', show)
}

export function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length]!
  try {
    localStorage.setItem(KEY, theme.value)
  } catch {
    // A page opened from a file may have no storage: the choice then lasts as long as the page.
  }
  show()
}

function stored(): Theme {
  try {
    return THEMES.find((known) => known === localStorage.getItem(KEY)) ?? 'auto'
  } catch {
    return 'auto'
  }
}

function show(): void {
  const dark =
    theme.value === 'dark' ||
    (theme.value === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset['theme'] = dark ? 'dark' : 'light'
  readPalette()
  changed()
}
