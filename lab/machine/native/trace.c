/*
 * Trace mode: one real thread per trace thread, of which only the holder of the baton runs, in the
 * order of the trace. The baton is one futex word per thread.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <malloc.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "replayer.h"

/* Op codes of the binary trace; pack.ts writes them. */
enum { OP_MALLOC = 1, OP_CALLOC, OP_REALLOC, OP_MEMALIGN, OP_FREE, OP_WRITE, OP_TRIM, OP_EXIT,
       OP_CHECK };
/* 32-bit words of each op's record, by op code. */
static const uint32_t op_words[] = {0, 4, 6, 4, 6, 2, 2, 4, 2, 2};
#define TRACE_MAGIC 0x31544c41u
#define HEADER_WORDS 4
#define STACK_BYTES (8 * MIB)
#define BLOCKS_FIRST 65536
#define THREADS_FIRST 4096

struct block {
  unsigned char *address;
  size_t bytes; /* requested */
};

/* Values of a baton; MOVED sends a waiter to the table's new place. */
enum { BATON_NONE, BATON_GIVEN, BATON_MOVED };

struct thread {
  pthread_t handle;
  atomic_uint baton;
  uint32_t alive;
};

static struct {
  struct options options;
  struct block *blocks;
  uint32_t block_count;
  struct thread *_Atomic threads;
  uint32_t thread_count;
  uint32_t ended; /* thread that is returning and must be joined, 0 for none */
  int finished;
  long checkpoints;
  uintptr_t start_brk;
  double faults_before;
  double vm_before;
  /* tcmalloc's own; NULL under any other malloc. */
  int (*property)(const char *, size_t *);
  void (*release)(void);
  void (*stats)(char *, int);
} replay;

static const char *const tcmalloc_properties[] = {
    "generic.heap_size",
    "generic.current_allocated_bytes",
    "tcmalloc.pageheap_free_bytes",
    "tcmalloc.pageheap_unmapped_bytes",
    "tcmalloc.central_cache_free_bytes",
    "tcmalloc.transfer_cache_free_bytes",
    "tcmalloc.thread_cache_free_bytes",
    "tcmalloc.current_total_thread_cache_bytes",
    "tcmalloc.max_total_thread_cache_bytes",
    "tcmalloc.pageheap_committed_bytes",
    "tcmalloc.pageheap_scavenge_count",
    "tcmalloc.pageheap_total_commit_bytes",
    "tcmalloc.pageheap_total_decommit_bytes",
    "tcmalloc.pageheap_total_reserve_bytes",
};
#define PROPERTIES (sizeof tcmalloc_properties / sizeof *tcmalloc_properties)
#define OWN_FIGURES 14

static void *thread_main(void *number);

/* ── the baton ───────────────────────────────────────────────────────────────────────────────── */

static void wait_for_baton(uint32_t self) {
  atomic_uint *baton;
  /* The table is looked up anew after each sleep: grow_threads may have replaced it. */
  while (baton = &replay.threads[self].baton,
         atomic_load_explicit(baton, memory_order_acquire) != BATON_GIVEN)
    syscall(SYS_futex, baton, FUTEX_WAIT_PRIVATE, BATON_NONE, NULL, NULL, 0);
  atomic_store_explicit(baton, BATON_NONE, memory_order_relaxed);
}

static void give_baton(uint32_t to) {
  atomic_uint *baton = &replay.threads[to].baton;
  atomic_store_explicit(baton, BATON_GIVEN, memory_order_release);
  syscall(SYS_futex, baton, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void start_thread(uint32_t number) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  /* Explicit, so that the stack cache behaves the same under every `ulimit -s`. */
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  replay.threads[number].baton = 0;
  replay.threads[number].alive = 1;
  if (pthread_create(&replay.threads[number].handle, &attributes, thread_main,
                     (void *)(uintptr_t)number) != 0)
    die("cannot start a thread");
  pthread_attr_destroy(&attributes);
}

/* ── checkpoints ─────────────────────────────────────────────────────────────────────────────── */

static void checkpoint(void) {
  double figures[OWN_FIGURES + PROPERTIES];
  uint32_t count = OWN_FIGURES;
  memset(figures, 0, sizeof figures);
  double rss;
  process_sizes(&figures[11], &figures[13]);
  figures[11] -= replay.vm_before;
  figures[12] = process_minor_faults() - replay.faults_before;
  if (replay.options.aligned) {
    glibc_mallinfo(figures);
    rss = glibc_heaps_resident();
    for (uint32_t slot = 0; slot < replay.block_count; slot++)
      if (replay.blocks[slot].address != NULL)
        rss += glibc_mapped_resident(replay.blocks[slot].address);
    figures[10] = glibc_state_hash();
  } else if (replay.property != NULL) {
    /* Everything tcmalloc takes comes from the break, its metadata too. */
    rss = resident_bytes(process_start_brk(), (uintptr_t)sbrk(0));
  } else {
    rss = figures[13];
  }
  figures[9] = rss;
  if (replay.property != NULL)
    for (uint32_t i = 0; i < PROPERTIES; i++) {
      size_t value = 0;
      figures[count++] = replay.property(tcmalloc_properties[i], &value) ? (double)value : -1;
    }
  out_pair((uint32_t)OUT_CHECK << 28, count);
  out_doubles(figures, count);
  if (replay.options.aligned && replay.options.dump_at == replay.checkpoints) glibc_dump();
  replay.checkpoints++;
}

/* ── ops ─────────────────────────────────────────────────────────────────────────────────────── */

static void place(void *block) {
  if (replay.options.aligned) {
    glibc_place(block);
  } else if (block == NULL) {
    out_pair(OUT_NULL << 28, 0);
  } else {
    uint64_t offset = (uintptr_t)block - replay.start_brk;
    /* Whatever lies above the brk heap's 1 TiB is a mapping. */
    if (offset < 1UL << 40)
      out_pair(OUT_BRK << 28 | (uint32_t)(offset >> 32), (uint32_t)offset);
    else
      out_pair(OUT_MAPPED << 28, (uint32_t)((uintptr_t)block & (PAGE - 1)));
  }
}

static void write_pages(const struct block *block) {
  if (block->address == NULL || block->bytes == 0) return;
  unsigned char *end = block->address + block->bytes;
  unsigned char *at = block->address;
  while (at < end) {
    *(volatile unsigned char *)at = 0xA5;
    at = (unsigned char *)(((uintptr_t)at & ~(PAGE - 1)) + PAGE);
  }
}

static void reallocate(struct block *block, size_t bytes) {
  unsigned char *before = block->address;
  unsigned char *after = realloc(before, bytes);
  place(after);
  /* On failure the old block lives on; a size of 0 has freed it. */
  if (after == NULL && before != NULL && bytes != 0) return;
  block->address = after;
  block->bytes = bytes;
}

static void carry_out(const uint32_t *record) {
  uint32_t op = record[0] & 0xff;
  struct block *block = &replay.blocks[record[1]];
  uint64_t operands[2] = {0, 0};
  memcpy(operands, record + 2, (op_words[op] - 2) * 4UL);
  switch (op) {
    case OP_MALLOC:
      block->address = malloc(operands[0]);
      block->bytes = operands[0];
      place(block->address);
      break;
    case OP_CALLOC:
      block->address = calloc(operands[0], operands[1]);
      block->bytes = operands[0] * operands[1];
      place(block->address);
      break;
    case OP_REALLOC:
      reallocate(block, operands[0]);
      break;
    case OP_MEMALIGN:
      block->address = memalign(operands[0], operands[1]);
      block->bytes = operands[1];
      place(block->address);
      break;
    case OP_FREE:
      free(block->address);
      block->address = NULL;
      break;
    case OP_WRITE:
      write_pages(block);
      break;
    case OP_TRIM:
      if (replay.release != NULL)
        replay.release();
      else
        malloc_trim(operands[0]);
      break;
    default:
      die("unknown op in the trace");
  }
}

/* A larger copy of a table of ours; what growing costs is not counted as the trace's. */
static void *grow_table(void *table, uint32_t *count, size_t entry_bytes, uint32_t number) {
  double faults = process_minor_faults();
  uint64_t wanted = *count;
  while (wanted <= number) wanted *= 2;
  if (wanted > UINT32_MAX) die("block or thread number too large");
  size_t before = (size_t)*count * entry_bytes;
  void *larger = own_memory((size_t)wanted * entry_bytes);
  memcpy(larger, table, before);
  replay.vm_before += (double)((size_t)wanted * entry_bytes);
  *count = (uint32_t)wanted;
  replay.faults_before += process_minor_faults() - faults;
  return larger;
}

static void grow_blocks(uint32_t number) {
  struct block *before = replay.blocks;
  size_t bytes = (size_t)replay.block_count * sizeof *before;
  replay.blocks = grow_table(before, &replay.block_count, sizeof *before, number);
  munmap(before, bytes);
  replay.vm_before -= (double)bytes;
}

/*
 * Waiting threads sleep on a word of the old table, so it stays mapped, and every thread is woken
 * to look at the new one.
 */
static void grow_threads(uint32_t number) {
  struct thread *before = replay.threads;
  uint32_t count = replay.thread_count;
  replay.threads = grow_table(before, &replay.thread_count, sizeof *before, number);
  for (uint32_t i = 0; i < count; i++) {
    atomic_store(&before[i].baton, BATON_MOVED);
    syscall(SYS_futex, &before[i].baton, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
  }
}

/* ── the replay ──────────────────────────────────────────────────────────────────────────────── */

/* What thread 0 alone does when it has the baton: join who ended. */
static void join_ended(void) {
  if (replay.ended == 0) return;
  struct thread *thread = &replay.threads[replay.ended];
  pthread_join(thread->handle, NULL);
  thread->alive = 0;
  replay.ended = 0;
}

/* Hands the baton to whoever has to act for `wanted`'s next line, and waits for it to come back. */
static void switch_to(uint32_t self, uint32_t wanted) {
  if (!replay.threads[wanted].alive) {
    if (self == 0)
      start_thread(wanted);
    else
      wanted = 0;
  }
  give_baton(wanted);
  wait_for_baton(self);
}

/* Carries out lines while they are `self`'s. Returns when the thread, or the trace, has ended. */
static void run(uint32_t self) {
  for (;;) {
    if (self == 0) join_ended();
    if (replay.finished) return;
    const uint32_t *record = in_peek(2);
    uint32_t op = record == NULL ? 0 : record[0] & 0xff;
    if (record != NULL && (op == 0 || op > OP_CHECK)) die("unknown op in the trace");
    if (record != NULL) record = in_peek(op_words[op]);
    if (record == NULL) {
      replay.finished = 1;
      if (self == 0) return;
      switch_to(self, 0);
      continue;
    }
    uint32_t thread = record[0] >> 8;
    if (op == OP_CHECK) {
      checkpoint();
    } else if (record[1] >= replay.block_count) {
      grow_blocks(record[1]);
      continue;
    } else if (thread >= replay.thread_count) {
      grow_threads(thread);
      continue;
    } else if (thread != self) {
      switch_to(self, thread);
      continue;
    } else if (op == OP_EXIT) {
      in_take(op_words[op]);
      replay.ended = self;
      give_baton(0);
      return;
    } else {
      carry_out(record);
    }
    in_take(op_words[op]);
  }
}

static void *thread_main(void *number) {
  uint32_t self = (uint32_t)(uintptr_t)number;
  wait_for_baton(self);
  run(self);
  return NULL;
}

/* What tcmalloc tells about itself, classes and span lengths too, as an OUT_TEXT record. */
static void tcmalloc_stats(void) {
  char *text = own_memory(MIB);
  replay.stats(text, MIB);
  size_t length = strlen(text);
  out_pair((uint32_t)OUT_TEXT << 28, (uint32_t)length);
  out_bytes(text, length);
  static const char padding[8];
  out_bytes(padding, -length & 7);
}

int replay_trace(const struct options *options) {
  replay.options = *options;
  in_open(0);
  const uint32_t *header = in_peek(HEADER_WORDS);
  if (header == NULL || header[0] != TRACE_MAGIC) die("this is no binary trace");
  /* A hint: a trace that is being read while it is replayed does not know its size yet. */
  replay.block_count = header[1] < BLOCKS_FIRST ? BLOCKS_FIRST : header[1];
  in_take(HEADER_WORDS);
  replay.blocks = own_memory(replay.block_count * sizeof *replay.blocks);
  replay.thread_count = THREADS_FIRST;
  replay.threads = own_memory(THREADS_FIRST * sizeof *replay.threads);
  replay.threads[0].alive = 1;
  if (options->tcmalloc) {
    /* dlsym allocates only to report a failure, and a failure ends the program. */
    replay.property = (int (*)(const char *, size_t *))dlsym(
        RTLD_DEFAULT, "MallocExtension_GetNumericProperty");
    replay.release =
        (void (*)(void))dlsym(RTLD_DEFAULT, "MallocExtension_ReleaseFreeMemory");
    replay.stats = (void (*)(char *, int))dlsym(RTLD_DEFAULT, "MallocExtension_GetStats");
    if (replay.property == NULL || replay.release == NULL || replay.stats == NULL)
      die("the preloaded library is not tcmalloc");
  }
  if (options->aligned) glibc_align_heap();
  replay.start_brk = process_start_brk();
  /* Its heap starts at a multiple of its page, wherever the break started. */
  if (options->tcmalloc)
    replay.start_brk = (replay.start_brk + TCMALLOC_PAGE - 1) & ~(TCMALLOC_PAGE - 1);
  resident_bytes(0, 0);
  double rss;
  process_sizes(&replay.vm_before, &rss);
  replay.faults_before = process_minor_faults();
  /* For whoever reads our system calls: what lies between the two marks is the trace's. */
  madvise(NULL, 0, MADV_NORMAL);
  run(0);
  madvise(NULL, 0, MADV_NORMAL);
  if (options->malloc_info && options->tcmalloc)
    tcmalloc_stats();
  else if (options->malloc_info)
    glibc_malloc_info();
  out_flush();
  /* Without exit handlers: other threads may still wait for the baton. */
  _exit(0);
}
