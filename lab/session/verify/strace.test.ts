/** Goal: strace's text becomes the memory calls of the trace alone. */
import { expect, it } from 'vitest'
import { memoryCalls } from './strace.ts'

const MARK = '7 madvise(NULL, 0, MADV_NORMAL) = 0'

it('strace: only what lies between the marks counts, breaks as differences', () => {
  const text = [
    '7 brk(NULL) = 0x1000',
    '7 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x9000',
    '7 brk(0x100000) = 0x100000',
    MARK,
    '7 brk(0x121000) = 0x121000',
    '7 brk(0x120000) = 0x120000',
    '7 mremap(0x9000, 4096, 8192, MREMAP_MAYMOVE) = 0x9000',
    '7 munmap(0x9000, 8192) = 0',
    MARK,
    '7 munmap(0x7000, 4096) = 0',
  ].join('\n')
  expect(memoryCalls(text)).toEqual(['brk +135168', 'brk -4096', 'mremap 4096 8192', 'munmap 8192'])
})

it('strace: stacks and the replayer’s own tables are left out, until they are unmapped', () => {
  const stack = 'PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_STACK, -1, 0'
  const text = [
    MARK,
    `7 mmap(NULL, 8392704, ${stack}) = 0x10000000`,
    '7 mprotect(0x10001000, 8388608, PROT_READ|PROT_WRITE) = 0',
    '8 madvise(0x10000000, 8368128, MADV_DONTNEED) = 0',
    '7 munmap(0x10000000, 8392704) = 0',
    '7 mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x10000000',
    '7 mprotect(0x10000000, 4096, PROT_READ|PROT_WRITE) = 0',
    MARK,
  ].join('\n')
  expect(memoryCalls(text)).toEqual(['mmap 8192', 'mprotect 4096'])
})

it('strace: a call that another thread interrupts stays in its place', () => {
  const text = [
    MARK,
    '7 mprotect(0x20000000, 4096, PROT_READ|PROT_WRITE <unfinished ...>',
    '8 munmap(0x30000000, 12288) = 0',
    '7 <... mprotect resumed>) = 0',
    MARK,
  ].join('\n')
  expect(memoryCalls(text)).toEqual(['mprotect 4096', 'munmap 12288'])
})
