/** The design `tcmalloc`: gperftools 2.10 as Debian 12 builds it (libtcmalloc-minimal4). */
import { BLOCK_NULL, WORD_NULL, wordAt } from '../../lab/words/units.ts'
import type { Design, LockId, Process } from '../contract.ts'
import { checkLibrary } from './check.ts'
import { inspectLibrary } from './inspect.ts'
import { Library } from './library.ts'
import { TcmallocHeap } from './malloc.ts'
import { TC_PAGE_BYTES } from './size-class.ts'
import { spanList } from './span-list.ts'
import { startupAllocations, TLS_MODULES } from './startup.ts'
import { STATIC_BYTES, Static } from './static-layout.ts'
import { Tls } from './thread-cache-layout.ts'
import { TCMALLOC_TUNABLES, type TcmallocTunables } from './tunables.ts'

/** One per process and isolate: lab threads of an isolate share the parts, which hold no state. */
const libraries = new WeakMap<Process, Library>()

/** The library bound to a process. The tunables of a process never change. */
export function libraryOf(process: Process, tunables: TcmallocTunables): Library {
  let library = libraries.get(process)
  if (library === undefined) {
    library = new Library(process, tunables)
    libraries.set(process, library)
  }
  return library
}

export const tcmalloc: Design<TcmallocTunables> = {
  name: 'tcmalloc',
  summary: 'gperftools 2.10: thread caches over central lists and a page heap of spans',
  tunables: TCMALLOC_TUNABLES,
  dataBytes: STATIC_BYTES,
  tlsModules: TLS_MODULES,

  boot(process, tunables) {
    const library = libraryOf(process, tunables)
    library.boot()
    playStartup(library)
  },

  attach(process, tunables, thread) {
    const cacheWord = wordAt(thread.tls, Tls.CACHE)
    if (thread.thread === 0 && process.words[cacheWord] === WORD_NULL) {
      const mainCache = process.dataStart + Static.MAIN_THREAD_CACHE
      process.words[cacheWord] = process.words[mainCache]!
    }
    return new TcmallocHeap(libraryOf(process, tunables), thread)
  },

  inspect(process, tunables, visit) {
    return inspectLibrary(libraryOf(process, tunables), visit)
  },

  chunks(process, tunables, most) {
    return spanList(libraryOf(process, tunables), most)
  },

  check(process, tunables) {
    return checkLibrary(libraryOf(process, tunables))
  },

  glance(process) {
    const figure = (place: number): number => process.words[process.dataStart + place]!
    return [
      {
        systemBytes: figure(Static.SYSTEM_PAGES) * TC_PAGE_BYTES,
        topBytes: figure(Static.FREE_PAGES) * TC_PAGE_BYTES,
        attachedThreads: figure(Static.THREAD_CACHE_COUNT),
        lock: figure(Static.PAGE_HEAP_LOCK + 1) as LockId,
      },
    ]
  },
}

/** In place of a thread number: the orphaned cache serves no thread. */
const NO_THREAD = -1

/** What happens before main, by the main thread: its cache waits for lab thread 0 to attach. */
function playStartup(library: Library): void {
  const { process } = library
  const main = startupHeap(library, Static.MAIN_THREAD_CACHE, 0)
  let allocating = startupHeap(library, Static.ORPHAN_CACHE, NO_THREAD)
  let last = BLOCK_NULL
  for (const step of startupAllocations) {
    switch (step.kind) {
      case 'malloc':
        last = allocating.malloc(step.bytes)
        break
      case 'free':
        main.free(last)
        break
      case 'flags-ready':
        process.words[process.dataStart + Static.FLAGS_READY] = 1
        break
      case 'tsd-ready':
        allocating = main
        break
    }
  }
}

/** The main thread before main, with the static variable that will hold its cache. */
function startupHeap(library: Library, cachePlace: number, thread: number): TcmallocHeap {
  const tls = wordAt(library.process.dataStart, cachePlace - Tls.CACHE)
  return new TcmallocHeap(library, { thread, seat: 0, tls })
}
