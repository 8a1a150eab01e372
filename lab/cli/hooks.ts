/** Several listeners of one run, told in order. */
import type { RunHooks } from '../session/types.ts'

export function together(all: readonly RunHooks[]): RunHooks {
  return {
    onRunStart: (start) => {
      for (const hooks of all) hooks.onRunStart?.(start)
    },
    onVariantStart: (variant, machine) => {
      for (const hooks of all) hooks.onVariantStart?.(variant, machine)
    },
    onSample: (variant, line) => {
      for (const hooks of all) hooks.onSample?.(variant, line)
    },
    onVariantEnd: (variant, summary) => {
      for (const hooks of all) hooks.onVariantEnd?.(variant, summary)
    },
    onNotice: (text) => {
      for (const hooks of all) hooks.onNotice?.(text)
    },
  }
}
