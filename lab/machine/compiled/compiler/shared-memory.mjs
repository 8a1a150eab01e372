// Which arrays compiled code can read: those in the run's memory, and small tables copied into it.
const ELEMENTS = new Map([
  [Int32Array, 'i32'],
  [Float64Array, 'f64'],
  [Uint8Array, 'u8'],
])

export class SharedMemory {
  #memory

  constructor(memory) {
    this.#memory = memory
  }

  /** The view behind a constant array; undefined for kinds of arrays that are not known. */
  view(compiler, { object, name }) {
    const element = ELEMENTS.get(object.constructor)
    if (element === undefined) return undefined
    if (object.buffer !== this.#memory.buffer) {
      return { view: true, element, base: compiler.table(name) }
    }
    compiler.expect(`${name}.buffer === memory.buffer`)
    if (object.byteOffset === 0) {
      compiler.expect(`${name}.byteOffset === 0`)
      return { view: true, element, base: undefined }
    }
    const about = { owner: name, property: 'byteOffset', boolean: false, changes: false }
    return { view: true, element, base: compiler.number(`${name}.byteOffset`, 'i32', about) }
  }
}
