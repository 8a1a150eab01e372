/*
 * Bench mode: the loops of the lab threads of a benchmark, as fast as a plain C loop can carry out
 * the very words that the model carries out: op by op, where they were recorded. Private cells are
 * plain words; shared ones are exchanged by one atomic instruction.
 *
 * Threads run until the time is up and count the laps that began after the warm-up, whole, by their
 * own clock: as lab/machine/threads/lap-meter.ts does.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replayer.h"
#include "scenario.h"

#define FILE_HEADER_WORDS 4
/* As in lab/workload/ops.ts. */
enum { OP_MALLOC = 1, OP_FREE = 5, OP_SWAP = 9, OP_START = 17, OP_JOIN_ALL = 18,
       OP_WRITE_PAGES = 20 };
/* Two looks at the clock vanish beside so many pairs. */
#define LAP_PAIRS 2048
/* Laps the median is taken of, and pairs a lap must have: as in lap-meter.ts. */
#define LAPS_KEPT 8192
#define LAP_PAIRS_MIN 512

/* Ops that are carried out between two looks at the clock. */
struct span {
  const int32_t *first;
  const int32_t *end;
  uint32_t pairs;
};

struct worker {
  pthread_t handle;
  struct span *spans;
  uint32_t span_count;
  uint32_t ops_hash;
  unsigned char **cells;
  uint64_t ns;
  uint64_t pairs;
  uint32_t lap_count;
  double *laps; /* ns a pair of the latest laps */
} __attribute__((aligned(128)));

static struct {
  struct worker *workers;
  uint32_t count;
  unsigned char **shared;
  pthread_barrier_t start;
  uint64_t warm_ns;
  uint64_t measured_ns;
  int stubs;
} bench;

/* ── the ops ─────────────────────────────────────────────────────────────────────────────────── */

static const int32_t *open_file(uint32_t number, const int32_t **end) {
  char path[PATH_BYTES];
  path_of(path, number);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0) die("an op file of the benchmark is missing");
  const int32_t *words =
      mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
  close(fd);
  if (words == MAP_FAILED) die("an op file of the benchmark cannot be mapped");
  *end = words + status.st_size / 4;
  return words + FILE_HEADER_WORDS;
}

/* Words of the op; blocks are written at their first word, tables are only swapped with. */
static uint32_t words_of(const int32_t *op) {
  int is_private = op[1] >= 0;
  if (op[0] == OP_FREE && is_private) return 2;
  if (op[0] == OP_MALLOC && is_private) return 3;
  if (op[0] == OP_WRITE_PAGES && is_private && op[2] == 1) return 3;
  if (op[0] == OP_SWAP && is_private && op[2] < 0) return 3;
  die("an op that no benchmark has");
}

/* FNV-1a over the ops, in order: to be held against what was recorded. */
static uint32_t mix(uint32_t hash, uint32_t word) { return (hash ^ word) * 16777619u; }

/* Cuts the ops into laps. */
static void cut(struct worker *worker, const int32_t *op, const int32_t *end) {
  worker->spans = own_memory((size_t)(end - op) / LAP_PAIRS * sizeof *worker->spans +
                             sizeof *worker->spans);
  worker->ops_hash = 2166136261u;
  struct span *span = worker->spans;
  *span = (struct span){op, op, 0};
  while (op < end) {
    /* Never between a malloc and the write to its block. */
    if (span->pairs >= LAP_PAIRS && op[0] != OP_WRITE_PAGES) *++span = (struct span){op, op, 0};
    uint32_t words = words_of(op);
    for (uint32_t i = 0; i < words; i++)
      worker->ops_hash = mix(worker->ops_hash, (uint32_t)op[i]);
    span->pairs += op[0] == OP_MALLOC;
    op += words;
    span->end = op;
  }
  worker->span_count = (uint32_t)(span - worker->spans) + 1;
}

/* ── the loop ────────────────────────────────────────────────────────────────────────────────── */

/* In place of malloc and free, to see what the loop costs by itself. */
static unsigned char stub_block[64];
static __attribute__((noinline)) void *stub_malloc(size_t bytes) {
  __asm__ volatile("" : : "r"(bytes) : "memory");
  return stub_block;
}
static __attribute__((noinline)) void stub_free(void *block) {
  __asm__ volatile("" : : "r"(block) : "memory");
}

/*
 * One lap. Inlined twice, with the real calls and with the stubs; malloc's and free's addresses are
 * constants each time.
 */
static inline __attribute__((always_inline)) void lap(unsigned char **cells, const int32_t *op,
                                                      const int32_t *end,
                                                      void *(*allocate)(size_t),
                                                      void (*release)(void *)) {
  while (op < end) {
    int32_t cell = op[1];
    unsigned char *block;
    switch (op[0]) {
      case OP_FREE:
        release(cells[cell]);
        cells[cell] = NULL;
        op += 2;
        break;
      case OP_MALLOC:
        block = allocate((size_t)op[2]);
        if (block == NULL) die("malloc failed in a benchmark");
        cells[cell] = block;
        op += 3;
        break;
      case OP_WRITE_PAGES:
        *(volatile int32_t *)cells[cell] = 0;
        op += 3;
        break;
      default: /* OP_SWAP */
        cells[cell] = __atomic_exchange_n(&bench.shared[~op[2]], cells[cell], __ATOMIC_ACQ_REL);
        op += 3;
        break;
    }
  }
}

static void *work(void *argument) {
  struct worker *worker = argument;
  pthread_barrier_wait(&bench.start);
  uint64_t now = now_ns(), from = now + bench.warm_ns, until = from + bench.measured_ns;
  /* A thread that was kept waiting all that time goes on until it has measured a lap. */
  const struct span *span = worker->spans, *last = span + worker->span_count - 1;
  for (; now < until || worker->pairs == 0; span = span == last ? worker->spans : span + 1) {
    if (bench.stubs)
      lap(worker->cells, span->first, span->end, stub_malloc, stub_free);
    else
      lap(worker->cells, span->first, span->end, malloc, free);
    uint64_t then = now;
    now = now_ns();
    if (then >= from && (now <= until || worker->pairs == 0)) {
      worker->ns += now - then;
      worker->pairs += span->pairs;
      if (span->pairs >= LAP_PAIRS_MIN)
        worker->laps[worker->lap_count++ % LAPS_KEPT] = (double)(now - then) / span->pairs;
    }
  }
  return NULL;
}

static int by_value(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

/* 0 when nothing was measured. */
static double median_lap(struct worker *worker) {
  uint32_t count = worker->lap_count < LAPS_KEPT ? worker->lap_count : LAPS_KEPT;
  if (count == 0) return 0;
  qsort(worker->laps, count, sizeof *worker->laps, by_value);
  return worker->laps[count / 2];
}

/*
 * The main thread works itself when it is the only one; otherwise it waits, as in the scenario.
 * Reports one record per worker: nanoseconds and pairs of the laps that count, and
 * nanoseconds a pair of the median lap, and the hash of its ops.
 */
int run_bench(const char *folder, long warm_ms, long measured_ms, int stubs) {
  scenario_open(folder);
  bench.count = run.thread_count == 1 ? 1 : run.thread_count - 1;
  bench.workers = own_memory(bench.count * sizeof *bench.workers);
  bench.shared = own_memory((run.table_cells + 1) * sizeof *bench.shared);
  bench.warm_ns = (uint64_t)warm_ms * 1000000u;
  bench.measured_ns = (uint64_t)measured_ms * 1000000u;
  bench.stubs = stubs;
  pthread_barrier_init(&bench.start, NULL, bench.count);
  for (uint32_t i = 0; i < bench.count; i++) {
    const int32_t *end, *first = open_file(run.thread_count == 1 ? 0 : i + 1, &end);
    bench.workers[i].cells = own_memory((run.private_cells + 1) * sizeof(unsigned char *));
    bench.workers[i].laps = own_memory(LAPS_KEPT * sizeof(double));
    cut(&bench.workers[i], first, end);
  }
  if (bench.count == 1) {
    work(&bench.workers[0]);
  } else {
    for (uint32_t i = 0; i < bench.count; i++)
      if (pthread_create(&bench.workers[i].handle, NULL, work, &bench.workers[i]) != 0)
        die("cannot start a thread");
    for (uint32_t i = 0; i < bench.count; i++) pthread_join(bench.workers[i].handle, NULL);
  }
  for (uint32_t i = 0; i < bench.count; i++) {
    struct worker *worker = &bench.workers[i];
    double figures[4] = {(double)worker->ns, (double)worker->pairs, median_lap(worker),
                         worker->ops_hash};
    out_pair((uint32_t)OUT_CHECK << 28, 4);
    out_doubles(figures, 4);
  }
  out_flush();
  return 0;
}
