// What stops the compilation of a function, or makes it start again knowing more.

/** Something this compiler does not do: the caller calls the JavaScript function instead. */
export class Unsupported extends Error {}

/** Never returns. `what` is read in the report of a design. */
export const unsupported = (what) => {
  throw new Unsupported(what)
}

/** A return of a fraction from a function that was thought to give integers. */
export class NeedsFloat extends Error {}

/** A variable that was thought to hold 32-bit integers only; `node` is its function. */
export class NeedsWide extends Error {
  constructor(node, name) {
    super(name)
    this.node = node
  }
}
