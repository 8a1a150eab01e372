// The binary format of WebAssembly: numbers, sections, a module.

/** Unsigned LEB128. */
export function unsigned(value) {
  const bytes = []
  let rest = value
  do {
    const byte = rest % 128
    rest = Math.floor(rest / 128)
    bytes.push(rest > 0 ? byte + 128 : byte)
  } while (rest > 0)
  return bytes
}

/** Signed LEB128 of an integer. */
export function signed(value) {
  const bytes = []
  let rest = BigInt(value)
  for (;;) {
    const byte = Number(rest & 127n)
    rest >>= 7n
    const done = (rest === 0n && (byte & 64) === 0) || (rest === -1n && (byte & 64) !== 0)
    bytes.push(done ? byte : byte | 128)
    if (done) return bytes
  }
}

/** A number that is filled in later: no other constant looks like it. */
const HOLE = { i32: 0x5eed_0000, i64: 0x5eed_ca11_0000 }
/** As long as any number can get, so that each fits. */
export const HOLE_BYTES = { i32: 5, i64: 10 }

/** Signed LEB128 of a fixed length. */
function padded(value, length) {
  const bytes = []
  let rest = BigInt(value)
  for (let i = 1; i <= length; i++) {
    bytes.push(Number(rest & 127n) | (i < length ? 128 : 0))
    rest >>= 7n
  }
  return bytes
}

export const hole = ({ number }, type) => padded(HOLE[type] + number, HOLE_BYTES[type])

/** Where in a module a hole is. */
export function placesOf(module, it) {
  const pattern = Buffer.from(hole(it, it.type))
  const bytes = Buffer.from(module)
  const places = []
  for (let at = bytes.indexOf(pattern); at >= 0; at = bytes.indexOf(pattern, at + 1))
    places.push(at)
  return places
}

export const double = (value) => [...new Uint8Array(new Float64Array([value]).buffer)]

const text = (value) => {
  const bytes = [...new TextEncoder().encode(value)]
  return [...unsigned(bytes.length), ...bytes]
}

export const TYPES = { i32: 0x7f, i64: 0x7e, f64: 0x7c, void: 0x40 }
const EXTERNAL = { function: 0, memory: 2, global: 3 }
/** Shared memory must say how large it may become: 65 536 pages are 4 GiB. */
const MEMORY_SHARED = [0x03, ...unsigned(1), ...unsigned(65_536)]

const vector = (items) => [...unsigned(items.length), ...items.flat()]

function section(id, bytes) {
  return [id, ...unsigned(bytes.length), ...bytes]
}

const signatureOf = ({ params, result }) => `${params.join()}:${result}`
const encodeSignature = ({ params, result }) => [
  0x60,
  ...vector(params.map((type) => [TYPES[type]])),
  ...vector(result === 'void' ? [] : [[TYPES[result]]]),
]

/** Locals of one type after another are written as runs. */
function encodeLocals(locals) {
  const runs = []
  for (const type of locals) {
    if (runs.at(-1)?.type === type) runs.at(-1).count++
    else runs.push({ type, count: 1 })
  }
  return vector(runs.map(({ type, count }) => [...unsigned(count), TYPES[type]]))
}

function encodeBody({ locals, code }) {
  const bytes = [...encodeLocals(locals), ...code, 0x0b]
  return unsigned(bytes.length).concat(bytes)
}

/**
 * Which branches are likely, which are not (branch hinting proposal): by function, places are those
 * of the bytes of its body.
 */
function encodeHints(functions, importCount) {
  const hinted = functions.flatMap(({ locals, hints }, i) => {
    if (hints.length === 0) return []
    const start = encodeLocals(locals).length
    const list = hints.map(({ at, likely }) => [...unsigned(start + at), 1, likely ? 1 : 0])
    return [[...unsigned(importCount + i), ...vector(list)]]
  })
  return section(0, [...text('metadata.code.branch_hint'), ...vector(hinted)])
}

/**
 * A module of imported functions, one imported shared memory (`lab.memory`), mutable globals that
 * start at 0, and functions, the imported ones counted first.
 */
export function encodeModule({ imports, globals, functions, exports }) {
  const signatures = [...imports, ...functions]
  const types = new Map(signatures.map((it) => [signatureOf(it), it]))
  const names = [...types.keys()]
  const typeOf = (it) => unsigned(names.indexOf(signatureOf(it)))
  const zero = { i32: [0x41, 0], i64: [0x42, 0], f64: [0x44, ...double(0)] }
  const bytes = [
    [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, vector([...types.values()].map(encodeSignature))),
    section(
      2,
      vector([
        [...text('lab'), ...text('memory'), EXTERNAL.memory, ...MEMORY_SHARED],
        ...imports.map((it) => [...text('js'), ...text(it.name), EXTERNAL.function, ...typeOf(it)]),
      ]),
    ),
    section(3, vector(functions.map(typeOf))),
    section(6, vector(globals.map((type) => [TYPES[type], 1, ...zero[type], 0x0b]))),
    section(
      7,
      vector(
        exports.map(({ name, index }) => [...text(name), EXTERNAL.function, ...unsigned(index)]),
      ),
    ),
    encodeHints(functions, imports.length),
    section(10, vector(functions.map(encodeBody))),
  ]
  return new Uint8Array(bytes.flat())
}
