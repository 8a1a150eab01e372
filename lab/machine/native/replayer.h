/*
 * arena-lab's native replayer: what its files share.
 *
 * The program carries out a trace, or a scenario's op batches, under whatever malloc the process
 * has (glibc's, or one that LD_PRELOAD puts in front) and tells where every block was placed. It
 * must not disturb the heap it measures: all its own memory comes from mmap and is touched before
 * the first malloc, it writes with write(2) alone, and it has no thread-local variables.
 */
#ifndef ARENA_LAB_REPLAYER_H
#define ARENA_LAB_REPLAYER_H

#include <stddef.h>
#include <stdint.h>

#define PAGE 4096UL
#define MIB (1024UL * 1024UL)
#define TCMALLOC_PAGE 8192UL
/* As TCMALLOC_ALIGNMENT_MAX in tcmalloc-probe.ts. */
#define HEAP_BOUNDARY 65536UL

/* ── own memory and output (own.c) ───────────────────────────────────────────────────────────── */

/* Zeroed and resident memory that no malloc knows of; ends the program when there is none. */
void *own_memory(size_t bytes);
/*
 * The same as shared memory, which does not count in RssAnon; for what scenarios need. Not resident
 * until touched. own_shared_bytes() is how much of it there is.
 */
void *own_shared(size_t bytes);
void own_free(void *memory, size_t bytes);
uint64_t own_shared_bytes(void);
/* Ends the program with a message on stderr and exit status 70. */
void die(const char *message) __attribute__((noreturn));

/* The output is a stream of pairs of 32-bit words; see records.ts for the reader's side. */
void out_open(int fd);
void out_pair(uint32_t first, uint32_t second);
void out_doubles(const double *figures, uint32_t count);
void out_bytes(const void *bytes, size_t count);
void out_flush(void);

/* Input: a stream of 32-bit words from a file descriptor. NULL at its end. */
void in_open(int fd);
/* The next `count` words without taking them, or NULL when fewer are left. */
const uint32_t *in_peek(uint32_t count);
void in_take(uint32_t count);

/* ── what the process looks like from outside (process.c) ────────────────────────────────────── */

/* Bytes of address space (VmSize) and bytes resident (VmRSS). */
void process_sizes(double *vm_bytes, double *rss_bytes);
/* Anonymous bytes resident (RssAnon) and bytes of address space. */
void process_status(double *anonymous_bytes, double *vm_bytes);
double process_minor_faults(void);
/* Address at which the kernel put the start of the brk heap. */
uintptr_t process_start_brk(void);
/* Bytes of [start, end) that mincore calls resident. */
double resident_bytes(uintptr_t start, uintptr_t end);

/* ── glibc's heap, read from outside (glibc-heap.c) ──────────────────────────────────────────── */

/* Kinds of output records, in the top four bits of a pair's first word. */
enum { OUT_NULL, OUT_BRK, OUT_ARENA, OUT_MAPPED, OUT_FOREIGN, OUT_CHECK, OUT_TEXT, OUT_DUMP };

/* Aligns the brk heap's start to 1 MiB; before the first malloc. */
void glibc_align_heap(void);
/* Writes the placement record of a block that malloc returned just now. */
void glibc_place(void *block);
/* Bytes of one live block's own mapping that are resident; 0 for every other block. */
double glibc_mapped_resident(const void *block);
/* Resident bytes of the brk heap and of the live heaps of arenas seen so far. */
double glibc_heaps_resident(void);
/* FNV-1a over (offset, size and flags) of every chunk of those heaps. */
uint32_t glibc_state_hash(void);
/* Writes one OUT_DUMP record with the words the hash is made of. */
void glibc_dump(void);
/* mallinfo2 in the order of a `k` line: nine figures. */
void glibc_mallinfo(double *figures);
/* Writes malloc_info(0)'s XML as an OUT_TEXT record. */
void glibc_malloc_info(void);

/* ── modes ───────────────────────────────────────────────────────────────────────────────────── */

struct options {
  int aligned;      /* read glibc's structures, heap start aligned to 1 MiB */
  int malloc_info;  /* end with malloc_info's XML, or with tcmalloc's statistics */
  int tcmalloc;     /* checkpoints carry MallocExtension's numeric properties */
  long dump_at;     /* checkpoint whose state is dumped, -1 for none */
};

int replay_trace(const struct options *options);
/* Runs the scenario whose plan and op files lie in a folder. */
int run_scenario(const char *folder);
/*
 * Runs the benchmark whose plan and op files lie in a folder, so many milliseconds to warm up and
 * so many measured; with `stubs` malloc and free are empty functions.
 */
int run_bench(const char *folder, long warm_ms, long measured_ms, int stubs);

#endif
