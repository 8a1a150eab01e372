/*
 * Bench mode: the loops of the lab threads of a benchmark, as fast as a plain C loop can carry them
 * out. Each thread's ops are decoded once, before anything is measured: what the model carries out
 * as free, malloc and write of one cell becomes one step here. Cells are plain words; shared ones
 * are exchanged by one atomic instruction.
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
/* A step's kind, in the top four bits of its first word; a cell below. */
enum { STEP_REPLACE, STEP_ALLOCATE, STEP_FREE, STEP_PASS, STEP_SWAP };
#define KIND_SHIFT 28
#define CELL_MASK ((1u << KIND_SHIFT) - 1)
/* Two looks at the clock vanish beside so many steps. */
#define LAP_STEPS 2048
/* Laps the median is taken of, and pairs a lap must have: as in lap-meter.ts. */
#define LAPS_KEPT 8192
#define LAP_PAIRS_MIN 512

struct step {
  uint32_t what;
  uint32_t bytes; /* of SWAP: the shared cell */
};

struct worker {
  pthread_t handle;
  struct step *steps;
  uint32_t step_count;
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

/* ── decoding ────────────────────────────────────────────────────────────────────────────────── */

static const int32_t *open_file(uint32_t number, const int32_t **end) {
  char path[PATH_BYTES];
  path_of(path, number);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0) die("an op file of the benchmark is missing");
  const int32_t *words = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (words == MAP_FAILED) die("an op file of the benchmark cannot be mapped");
  *end = words + status.st_size / 4;
  return words + FILE_HEADER_WORDS;
}

/* `malloc cell bytes, write_pages cell 1`, which is how every block of a benchmark comes about. */
static int is_allocation(const int32_t *op, const int32_t *end, int32_t cell) {
  return op + 6 <= end && op[0] == OP_MALLOC && op[1] == cell && op[3] == OP_WRITE_PAGES &&
         op[4] == cell && op[5] == 1;
}

static void add(struct worker *worker, uint32_t kind, int32_t cell, uint32_t bytes) {
  worker->steps[worker->step_count++] =
      (struct step){kind << KIND_SHIFT | ((uint32_t)cell & CELL_MASK), bytes};
}

static void decode(struct worker *worker, const int32_t *op, const int32_t *end) {
  worker->steps = own_memory((size_t)(end - op) / 2 * sizeof *worker->steps);
  while (op < end) {
    int32_t cell = op[1];
    if (op[0] == OP_FREE && is_allocation(op + 2, end, cell)) {
      add(worker, STEP_REPLACE, cell, (uint32_t)op[4]);
      op += 8;
    } else if (is_allocation(op, end, cell)) {
      int freed = op + 8 <= end && op[6] == OP_FREE && op[7] == cell;
      add(worker, freed ? STEP_PASS : STEP_ALLOCATE, cell, (uint32_t)op[2]);
      op += freed ? 8 : 6;
    } else if (op[0] == OP_FREE) {
      add(worker, STEP_FREE, cell, 0);
      op += 2;
    } else if (op[0] == OP_SWAP && op[2] < 0) {
      add(worker, STEP_SWAP, cell, (uint32_t)~op[2]);
      op += 3;
    } else {
      die("an op that no benchmark has");
    }
  }
}

/* FNV-1a over the ops that the steps stand for, in order: to be held against what was recorded. */
static uint32_t mix(uint32_t hash, uint32_t word) { return (hash ^ word) * 16777619u; }

static uint32_t hash_of(const struct worker *worker) {
  uint32_t hash = 2166136261u;
  for (uint32_t i = 0; i < worker->step_count; i++) {
    const struct step *step = &worker->steps[i];
    uint32_t kind = step->what >> KIND_SHIFT, cell = step->what & CELL_MASK;
    if (kind == STEP_REPLACE || kind == STEP_FREE) hash = mix(mix(hash, OP_FREE), cell);
    if (kind == STEP_REPLACE || kind == STEP_ALLOCATE || kind == STEP_PASS)
      hash = mix(mix(mix(hash, OP_MALLOC), cell), step->bytes);
    if (kind == STEP_PASS) hash = mix(mix(hash, OP_FREE), cell);
    if (kind == STEP_SWAP) hash = mix(mix(mix(hash, OP_SWAP), cell), step->bytes);
  }
  return hash;
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
static inline __attribute__((always_inline)) void lap(struct worker *worker,
                                                      const struct step *step,
                                                      const struct step *end,
                                                      void *(*allocate)(size_t),
                                                      void (*release)(void *)) {
  unsigned char **cells = worker->cells;
  for (; step < end; step++) {
    uint32_t cell = step->what & CELL_MASK;
    unsigned char *block;
    switch (step->what >> KIND_SHIFT) {
      case STEP_REPLACE:
        release(cells[cell]);
        /* fall through */
      case STEP_ALLOCATE:
        block = allocate(step->bytes);
        if (block == NULL) die("malloc failed in a benchmark");
        *(volatile uint32_t *)block = cell;
        cells[cell] = block;
        break;
      case STEP_PASS:
        block = allocate(step->bytes);
        if (block == NULL) die("malloc failed in a benchmark");
        *(volatile uint32_t *)block = cell;
        release(block);
        break;
      case STEP_FREE:
        release(cells[cell]);
        cells[cell] = NULL;
        break;
      case STEP_SWAP:
        cells[cell] =
            __atomic_exchange_n(&bench.shared[step->bytes], cells[cell], __ATOMIC_ACQ_REL);
        break;
    }
  }
}

static uint32_t pairs_between(const struct step *step, const struct step *end) {
  uint32_t pairs = 0;
  for (; step < end; step++) {
    uint32_t kind = step->what >> KIND_SHIFT;
    pairs += kind == STEP_REPLACE || kind == STEP_ALLOCATE || kind == STEP_PASS;
  }
  return pairs;
}

static void *work(void *argument) {
  struct worker *worker = argument;
  uint32_t laps = (worker->step_count + LAP_STEPS - 1) / LAP_STEPS;
  uint32_t *pairs = own_memory(laps * sizeof *pairs);
  const struct step *all_end = worker->steps + worker->step_count;
  for (uint32_t i = 0; i < laps; i++) {
    const struct step *first = worker->steps + (size_t)i * LAP_STEPS;
    const struct step *end = first + LAP_STEPS < all_end ? first + LAP_STEPS : all_end;
    pairs[i] = pairs_between(first, end);
  }
  pthread_barrier_wait(&bench.start);
  uint64_t now = now_ns(), from = now + bench.warm_ns, until = from + bench.measured_ns;
  /* A thread that was kept waiting all that time goes on until it has measured a lap. */
  for (uint32_t i = 0; now < until || worker->pairs == 0; i = i + 1 == laps ? 0 : i + 1) {
    const struct step *first = worker->steps + (size_t)i * LAP_STEPS;
    const struct step *end = first + LAP_STEPS < all_end ? first + LAP_STEPS : all_end;
    if (bench.stubs)
      lap(worker, first, end, stub_malloc, stub_free);
    else
      lap(worker, first, end, malloc, free);
    uint64_t then = now;
    now = now_ns();
    if (then >= from && (now <= until || worker->pairs == 0)) {
      worker->ns += now - then;
      worker->pairs += pairs[i];
      if (pairs[i] >= LAP_PAIRS_MIN)
        worker->laps[worker->lap_count++ % LAPS_KEPT] = (double)(now - then) / pairs[i];
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
    decode(&bench.workers[i], first, end);
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
                         hash_of(worker)};
    out_pair((uint32_t)OUT_CHECK << 28, 4);
    out_doubles(figures, 4);
  }
  out_flush();
  return 0;
}
