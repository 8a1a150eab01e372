/** What a colour of a picture means: a square of it, as legends show it. */
import type { Token } from '../palette.ts'

interface SwatchProps {
  readonly token: Token
  /** Where the colour of the pinned part means something else, and is not hatched. */
  readonly plain?: boolean
}

export function Swatch({ token, plain = false }: SwatchProps) {
  if (token === 'pinnedFree' && !plain) return <i class="swatch hatched" />
  const outline = token === 'untouched' ? ' outlined' : ''
  return <i class={`swatch${outline}`} style={{ background: `var(--${token})` }} />
}
