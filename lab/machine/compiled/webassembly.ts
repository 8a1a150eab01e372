/**
 * What we use of WebAssembly. TypeScript's ES library does not declare it, and the DOM's, which the
 * dashboard's page is checked with, knows no shared memory.
 */

/** A memory that worker threads share. */
export interface WasmMemory {
  readonly buffer: SharedArrayBuffer
}

/** A compiled module: workers are given it as it is. */
export interface WasmModule {
  readonly [Symbol.toStringTag]: 'WebAssembly.Module'
}

/** What a module offers: functions of numbers. One without a result gives undefined. */
export type WasmExports = Readonly<Record<string, (...args: number[]) => number>>

interface Api {
  /** `initial` and `maximum`: pages of 64 KiB. */
  readonly Memory: new (descriptor: {
    initial: number
    maximum: number
    shared: true
  }) => WasmMemory
  readonly Instance: new (
    module: WasmModule,
    imports: Record<string, Record<string, unknown>>,
  ) => { readonly exports: WasmExports }
  compile(bytes: Uint8Array): Promise<WasmModule>
}

export const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: Api }
