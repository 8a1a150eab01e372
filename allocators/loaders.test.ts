import { expect, it } from 'vitest'
import { designLoaders } from './loaders.ts'
import { designs } from './registry.ts'

it('every design of the registry is loaded alone under its name, and no other', async () => {
  expect(Object.keys(designLoaders)).toEqual(Object.keys(designs))
  for (const [name, load] of Object.entries(designLoaders)) {
    expect(await load()).toBe(designs[name])
  }
})
