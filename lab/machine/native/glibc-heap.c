/*
 * glibc 2.36's heaps on x86-64, read from outside: chunk headers (malloc.c, struct malloc_chunk),
 * heap_info (arena.c) and one field of malloc_state. Nothing here changes them.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "replayer.h"

#define HEAP_BYTES (64 * MIB)
#define CHUNK_HEADER 16UL
#define PREV_INUSE 1UL
#define IS_MMAPPED 2UL
#define NON_MAIN_ARENA 4UL
#define SIZE_FLAGS 7UL
/* malloc_state: mutex, flags, have_fastchunks and padding, ten fastbins, then top. */
#define STATE_TOP_OFFSET 96
#define STATE_BYTES 2200UL
#define ARENAS_MAX 65536
#define FOREIGN_MAX 4096
#define HOPS_MAX 4096

/* Tags that start the chunks of one heap, in the hash and in the dump. */
#define TAG_BRK 0xB0000000u
#define TAG_ARENA 0xA0000000u

struct heap_info {
  void *arena;
  struct heap_info *previous;
  size_t size;
  size_t mprotect_size;
  size_t pagesize;
  char pad[8];
};

/* Main-arena memory that brk could not give: [start, end). */
struct foreign {
  uintptr_t start;
  uintptr_t end;
};

static uintptr_t heap_start;
static void **arenas; /* in the order of first appearance */
static uint32_t arena_count;
static uint32_t arena_last; /* where the last lookup ended: threads keep to one arena */
static struct foreign *foreigns;
static uint32_t foreign_count;
static char *text_buffer;
#define TEXT_BYTES (4 * MIB)

void glibc_align_heap(void) {
  uintptr_t now = (uintptr_t)sbrk(0);
  heap_start = (now + MIB - 1) & ~(MIB - 1);
  if (sbrk((intptr_t)(heap_start - now)) == (void *)-1) die("cannot move the break");
  arenas = own_memory(ARENAS_MAX * sizeof *arenas);
  foreigns = own_memory(FOREIGN_MAX * sizeof *foreigns);
  text_buffer = own_memory(TEXT_BYTES);
}

static size_t head_of(uintptr_t chunk) { return *(const size_t *)(chunk + 8); }
static size_t size_of(uintptr_t chunk) { return head_of(chunk) & ~SIZE_FLAGS; }

static struct heap_info *heap_of(uintptr_t address) {
  return (struct heap_info *)(address & ~(HEAP_BYTES - 1));
}

static uint32_t arena_number(void *arena) {
  if (arena_last < arena_count && arenas[arena_last] == arena) return arena_last;
  for (uint32_t number = 0; number < arena_count; number++)
    if (arenas[number] == arena) return arena_last = number;
  if (arena_count == ARENAS_MAX) die("more arenas than the replayer can number");
  arenas[arena_count] = arena;
  return arena_last = arena_count++;
}

static uint32_t hops_of(const struct heap_info *heap) {
  uint32_t hops = 0;
  for (; heap->previous != NULL; heap = heap->previous) hops++;
  return hops;
}

static void place_foreign(uintptr_t block) {
  uintptr_t chunk = block - CHUNK_HEADER;
  for (uint32_t n = 0; n < foreign_count; n++)
    if (chunk >= foreigns[n].start && chunk < foreigns[n].end) {
      out_pair(OUT_FOREIGN << 28 | n, (uint32_t)(block - foreigns[n].start));
      return;
    }
  /* The first block of a new region is carved from its start; the new top reaches to its end. */
  if (foreign_count == FOREIGN_MAX) die("too many regions beside brk");
  uintptr_t top = chunk + size_of(chunk);
  foreigns[foreign_count].start = chunk & ~(PAGE - 1);
  foreigns[foreign_count].end = top + size_of(top);
  out_pair(OUT_FOREIGN << 28 | foreign_count,
           (uint32_t)(block - foreigns[foreign_count].start));
  foreign_count++;
}

void glibc_place(void *block) {
  uintptr_t address = (uintptr_t)block;
  if (block == NULL) {
    out_pair(OUT_NULL << 28, 0);
    return;
  }
  size_t head = head_of(address - CHUNK_HEADER);
  if (head & IS_MMAPPED) {
    out_pair(OUT_MAPPED << 28, (uint32_t)(address & (PAGE - 1)));
  } else if (head & NON_MAIN_ARENA) {
    struct heap_info *heap = heap_of(address);
    uint32_t number = arena_number(heap->arena);
    out_pair(OUT_ARENA << 28 | number << 12 | hops_of(heap),
             (uint32_t)(address - (uintptr_t)heap));
  } else if (address >= heap_start && address < (uintptr_t)sbrk(0)) {
    uint64_t offset = address - heap_start;
    out_pair(OUT_BRK << 28 | (uint32_t)(offset >> 32), (uint32_t)offset);
  } else {
    place_foreign(address);
  }
}

double glibc_mapped_resident(const void *block) {
  uintptr_t chunk = (uintptr_t)block - CHUNK_HEADER;
  if (!(head_of(chunk) & IS_MMAPPED)) return 0;
  /* prev_size of a mapped chunk is the lead that memalign left before it. */
  size_t lead = *(const size_t *)chunk;
  return resident_bytes(chunk - lead, chunk + size_of(chunk));
}

/* The newest heap of an arena: its top lies in it. */
static struct heap_info *newest_heap(const void *arena) {
  return heap_of(*(const uintptr_t *)((const char *)arena + STATE_TOP_OFFSET));
}

double glibc_heaps_resident(void) {
  double bytes = resident_bytes(heap_start, (uintptr_t)sbrk(0));
  for (uint32_t number = 0; number < arena_count; number++)
    for (struct heap_info *heap = newest_heap(arenas[number]); heap != NULL; heap = heap->previous)
      bytes += resident_bytes((uintptr_t)heap, (uintptr_t)heap + HEAP_BYTES);
  return bytes;
}

/* ── chunk walks ─────────────────────────────────────────────────────────────────────────────── */

typedef void take_words(uint32_t first, uint32_t second);

static uint32_t hash;
static void hash_words(uint32_t first, uint32_t second) {
  hash = (hash ^ first) * 16777619u;
  hash = (hash ^ second) * 16777619u;
}

static uint32_t pair_count;
static void count_words(uint32_t first, uint32_t second) {
  (void)first;
  (void)second;
  pair_count++;
}

static void walk(uintptr_t base, uintptr_t chunk, uintptr_t end, take_words *take) {
  while (chunk < end) {
    size_t size = size_of(chunk);
    take((uint32_t)(chunk - base), (uint32_t)(head_of(chunk) & ~IS_MMAPPED));
    /* Size 0 is the fencepost at the end of a heap that the arena has grown out of. */
    if (size == 0) return;
    chunk += size;
  }
}

static void walk_all(take_words *take) {
  take(TAG_BRK, 0);
  walk(heap_start, heap_start, (uintptr_t)sbrk(0), take);
  struct heap_info *chain[HOPS_MAX];
  for (uint32_t number = 0; number < arena_count; number++) {
    uint32_t length = 0;
    struct heap_info *heap = newest_heap(arenas[number]);
    for (; heap != NULL && length < HOPS_MAX; heap = heap->previous) chain[length++] = heap;
    for (uint32_t hop = 0; hop < length; hop++) {
      heap = chain[length - 1 - hop];
      uintptr_t base = (uintptr_t)heap;
      uintptr_t first = base + sizeof *heap;
      /* The oldest heap also holds the arena's malloc_state. */
      if (hop == 0) first = (first + STATE_BYTES + 15) & ~15UL;
      take(TAG_ARENA | number << 12 | hop, 0);
      walk(base, first, base + heap->size, take);
    }
  }
}

uint32_t glibc_state_hash(void) {
  hash = 2166136261u;
  walk_all(hash_words);
  return hash;
}

void glibc_dump(void) {
  pair_count = 0;
  walk_all(count_words);
  out_pair((uint32_t)OUT_DUMP << 28, pair_count);
  walk_all(out_pair);
}

/* ── what glibc says of itself ───────────────────────────────────────────────────────────────── */

void glibc_mallinfo(double *figures) {
  struct mallinfo2 info = mallinfo2();
  const size_t values[9] = {info.arena,    info.ordblks,  info.smblks,   info.hblks,   info.hblkhd,
                            info.fsmblks,  info.uordblks, info.fordblks, info.keepcost};
  for (int i = 0; i < 9; i++) figures[i] = (double)values[i];
}

static ssize_t text_used;

void glibc_malloc_info(void) {
  /*
   * malloc_info wants a FILE. stdout is static memory, and with a buffer of ours large enough for
   * everything it neither allocates nor writes; what it holds is taken from the buffer.
   */
  setvbuf(stdout, text_buffer, _IOFBF, TEXT_BYTES);
  malloc_info(0, stdout);
  text_used = stdout->_IO_write_ptr - stdout->_IO_write_base;
  out_pair((uint32_t)OUT_TEXT << 28, (uint32_t)text_used);
  out_bytes(text_buffer, (size_t)text_used);
  static const char padding[8];
  out_bytes(padding, (size_t)(-text_used & 7));
}
