/** What we use of WebAssembly: neither TypeScript's ES library nor Node's types declare it. */
declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { initial: number; maximum: number; shared: true })
    readonly buffer: SharedArrayBuffer
  }
  class Module {
    private readonly compiled: unknown
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>)
    readonly exports: Readonly<Record<string, (...args: number[]) => number>>
  }
  function compile(bytes: Uint8Array): Promise<Module>
}
