/** What a colour of a picture means: a square of it, as legends show it. */
import type { Token } from '../palette.ts'

/** The pinned part is hatched here too. */
export function Swatch({ token }: { readonly token: Token }) {
  const isHatched = token === 'pinnedFree'
  return (
    <i
      class={isHatched ? 'swatch hatched' : 'swatch'}
      {...(isHatched ? {} : { style: { background: `var(--${token})` } })}
    />
  )
}
