// Writes the private fields of dist/'s classes as plain ones: `this.#words` as `this.$words`.
//
// The compiler of lab/machine/compiled reads the fields of live objects, which nobody outside a
// class can do with private ones. It also saves V8 a comparison of symbols at each access. That
// they are private is checked in the sources. A line stays the line it was.
import { modulesOf, nodesOf, rewrite } from './build-modules.mjs'

let fields = 0
for (const [file, module] of modulesOf(process.argv[2])) {
  const places = [...nodesOf(module.program.body)]
    .filter(({ type }) => type === 'PrivateIdentifier')
    .map(({ start, end, name }) => [start, end, `$${name}`])
    .sort((a, b) => a[0] - b[0])
  fields += rewrite(file, module, places)
}
if (fields === 0) throw new Error('no private field was found: is dist/ complete?')
