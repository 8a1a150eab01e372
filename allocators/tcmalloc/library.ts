/**
 * The library in one isolate: all its parts, bound to a process. Nothing here is state: all of it
 * can be rebuilt from the words and the tunables.
 */
import { type WordIndex, wordAt, wordsOfBytes } from '../../lab/words/units.ts'
import type { Process } from '../contract.ts'
import { CacheRegistry } from './cache-registry.ts'
import { CentralFreeLists } from './central-free-list.ts'
import { STACK_TRACE_WORDS } from './growth-log.ts'
import { Carver, Metadata } from './metadata.ts'
import { PageHeap } from './page-heap.ts'
import { PageMap } from './page-map.ts'
import { buildSizeMap, type SizeMap } from './size-class.ts'
import { SPAN_WORDS, Span, wordOfTcPage } from './span-layout.ts'
import { SET_NODE_WORDS } from './span-set.ts'
import { CENTRAL_WORDS, Static, StaticArray } from './static-layout.ts'
import { SystemAlloc } from './system-alloc.ts'
import { ThreadCache } from './thread-cache.ts'
import { THREAD_CACHE_WORDS } from './thread-cache-layout.ts'
import { TransferCache } from './transfer-cache.ts'
import { overallCacheBytes, type TcmallocTunables } from './tunables.ts'

export class Library {
  readonly process: Process
  readonly tunables: TcmallocTunables
  readonly sizes: SizeMap
  readonly metadata: Metadata
  readonly pageMap: PageMap
  readonly pageHeap: PageHeap
  readonly central: CentralFreeLists
  readonly transfer: TransferCache
  readonly registry: CacheRegistry
  readonly #spans: Carver
  readonly #stackTraces: Carver
  readonly #threadCaches: Carver

  constructor(process: Process, tunables: TcmallocTunables) {
    this.process = process
    this.tunables = tunables
    this.sizes = buildSizeMap(tunables.transfer_num_obj)
    const system = new SystemAlloc(process, tunables)
    const metadata = new Metadata(process, system)
    this.metadata = metadata
    this.#spans = new Carver(process, metadata, Static.SPAN_CARVER, SPAN_WORDS)
    this.#stackTraces = new Carver(process, metadata, Static.STACK_TRACE_CARVER, STACK_TRACE_WORDS)
    this.#threadCaches = new Carver(
      process,
      metadata,
      Static.THREAD_CACHE_CARVER,
      THREAD_CACHE_WORDS,
    )
    this.pageMap = new PageMap(process, metadata)
    this.pageHeap = new PageHeap(
      {
        process,
        system,
        pageMap: this.pageMap,
        spans: this.#spans,
        stackTraces: this.#stackTraces,
        setNodes: new Carver(process, metadata, Static.SET_NODE_CARVER, SET_NODE_WORDS),
      },
      tunables,
    )
    this.central = new CentralFreeLists(process, this.sizes, this.pageHeap)
    this.transfer = new TransferCache(process, this.sizes, this.central)
    this.registry = new CacheRegistry(process, this.sizes, this.#threadCaches, this.central)
  }

  /** InitModule and InitStaticVars: once, in the order that decides where metadata lies. */
  boot(): void {
    const { process, sizes } = this
    const words = process.words
    const data = process.dataStart
    this.#touchStaticData()
    this.#makeLock(Static.PAGE_HEAP_LOCK, 'page heap')
    this.#makeLock(Static.METADATA_LOCK, 'metadata')
    this.#makeLock(Static.SYSTEM_LOCK, 'system')
    const overall = overallCacheBytes(this.tunables)
    words[data + Static.OVERALL_CACHE_BYTES] = overall
    words[data + Static.UNCLAIMED_CACHE_BYTES] = overall

    this.#spans.boot()
    this.#spans.new()
    this.#spans.new()
    this.#stackTraces.boot()
    for (let sizeClass = 0; sizeClass < sizes.classCount; sizeClass++) {
      this.transfer.boot(sizeClass)
    }
    this.pageHeap.boot()
    this.#threadCaches.boot()
  }

  /** What is zeroed or written at the start; the lists of classes that do not exist stay out. */
  #touchStaticData(): void {
    const data = this.process.dataStart
    const centralEnd = StaticArray.CENTRAL + this.sizes.classCount * CENTRAL_WORDS
    this.process.touchRange(data, centralEnd)
    const rest = StaticArray.END - StaticArray.FREE_LISTS
    this.process.touchRange(wordAt(data, StaticArray.FREE_LISTS), rest)
  }

  #makeLock(place: number, name: string): void {
    const lock = wordAt(this.process.dataStart, place)
    this.process.words[lock + 1] = this.process.makeLock(lock, name)
  }

  /** The operations on a thread's cache that lies at `cache`; WORD_NULL: it has none yet. */
  viewCache(cache: WordIndex): ThreadCache {
    const { process, sizes, transfer, registry, tunables } = this
    const view = new ThreadCache(process, sizes, transfer, registry, tunables.max_overages)
    view.open(cache)
    return view
  }

  /** First word of a span's memory. */
  spanStart(span: WordIndex): WordIndex {
    return wordOfTcPage(this.process.words[span + Span.START]!)
  }

  /** Words of a block of the class. */
  blockWords(sizeClass: number): number {
    return wordsOfBytes(this.sizes.classBytes[sizeClass]!)
  }
}
