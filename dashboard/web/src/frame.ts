/**
 * When things are drawn. Data arrives 20 times a second and more; pictures are drawn at most once a
 * frame, only those that changed and are on screen, and only as many as fit into a frame: the rest
 * waits for the next one, the longest waiting first.
 */

/** A picture that draws itself when told. */
export interface Picture {
  /** Draws the current state. Only called when dirty and on screen. */
  paint(): void
  readonly element: Element
}

interface Entry {
  readonly picture: Picture
  dirty: boolean
  /** Undefined until the browser has said so. */
  visible: boolean | undefined
}

/** Milliseconds of a frame that drawing may take before it puts the rest off. */
const PAINT_BUDGET_MS = 8
/** Texts and tables follow at a pace that eyes can read. */
const TEXT_INTERVAL_MS = 200

const entries = new Map<Element, Entry>()
let requested = false
let textDirty = false
let lastText = 0
/** Counts what was asked to be drawn; up to where the page shows all of it, texts included. */
let asked = 0
let drawn = -1
let onText: () => void = () => {}

const observer =
  typeof IntersectionObserver === 'undefined'
    ? undefined
    : new IntersectionObserver(
        (changes) => {
          for (const change of changes) {
            const entry = entries.get(change.target)
            if (entry !== undefined) entry.visible = change.isIntersecting
          }
          ask()
        },
        { rootMargin: '100px' },
      )

/** Registers a picture; the returned function takes it out again. */
export function addPicture(picture: Picture): () => void {
  const visible = observer === undefined ? true : undefined
  entries.set(picture.element, { picture, dirty: true, visible })
  observer?.observe(picture.element)
  ask()
  return () => {
    observer?.unobserve(picture.element)
    entries.delete(picture.element)
  }
}

/** Everything has to be drawn anew: new data, another moment, another theme. */
export function invalidate(): void {
  for (const entry of entries.values()) entry.dirty = true
  textDirty = true
  ask()
}

/** One picture has to be drawn anew. */
export function invalidatePicture(element: Element): void {
  const entry = entries.get(element)
  if (entry !== undefined) entry.dirty = true
  ask()
}

/** Draws the pictures inside an element at once, on screen or not. */
export function paintNow(inside: Element): void {
  for (const [element, entry] of entries) {
    if (!inside.contains(element)) continue
    entry.dirty = false
    entry.picture.paint()
  }
}

/** Calls `listener` after `invalidate`, at most five times a second. */
export function listenForText(listener: () => void): void {
  onText = listener
}

function ask(): void {
  document.documentElement.dataset['asked'] = `${++asked}`
  request()
}

function request(): void {
  if (requested) return
  requested = true
  requestAnimationFrame(onFrame)
}

function onFrame(now: number): void {
  requested = false
  const start = performance.now()
  let left = false
  for (const [element, entry] of entries) {
    if (!entry.dirty || !entry.visible) continue
    if (performance.now() - start > PAINT_BUDGET_MS) {
      left = true
      continue
    }
    entry.dirty = false
    entry.picture.paint()
    // Those drawn go to the end of the line.
    entries.delete(element)
    entries.set(element, entry)
  }
  if (textDirty && now - lastText >= TEXT_INTERVAL_MS) {
    textDirty = false
    lastText = now
    onText()
  }
  if (left || textDirty) request()
  else tellDrawn()
}

/**
 * For tests and measurements: when `data-drawn` of the page is its `data-asked`, it stands still,
 * and everything on screen is as it should be. They wait for that instead of for time.
 */
function tellDrawn(): void {
  if (drawn === asked) return
  for (const { visible } of entries.values()) if (visible === undefined) return
  drawn = asked
  document.documentElement.dataset['drawn'] = `${drawn}`
}
