/*
 * Scenario mode: the lab threads of a scenario as free-running pthreads, for speed and for resident
 * memory. Each carries out the ops of one mapped file, which the TypeScript side has recorded
 * (scenario-files.ts); the ops are those of lab/workload/ops.ts, without texts.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "replayer.h"
#include "scenario.h"

#define FILE_HEADER_WORDS 4
#define FILE_LOOPS 1
/* Ops between two looks at the clock. */
#define CLOCK_EVERY 256

enum { OP_MALLOC = 1, OP_CALLOC, OP_REALLOC, OP_MEMALIGN, OP_FREE, OP_WRITE, OP_SEND, OP_RECEIVE,
       OP_SWAP, OP_MOVE, OP_BARRIER, OP_WORK, OP_SLEEP, OP_PACE, OP_PHASE, OP_TRIM, OP_START,
       OP_JOIN_ALL, OP_EXIT, OP_WRITE_PAGES, OP_END };
static const uint32_t operands[OP_END] = {0, 2, 3, 2, 3, 1, 1, 2, 2, 2, 2,
                                          2, 2, 2, 1, 1, 1, 3, 0, 0, 2};

struct run run;

/* ── time ────────────────────────────────────────────────────────────────────────────────────── */

uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int deadline_passed(void) {
  return run.deadline != 0 && now_ns() >= run.deadline;
}

static void sleep_ns(uint64_t ns) {
  uint64_t until = now_ns() + ns;
  if (run.deadline != 0 && until > run.deadline) until = run.deadline;
  struct timespec time = {.tv_sec = (time_t)(until / 1000000000u),
                          .tv_nsec = (long)(until % 1000000000u)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) != 0) {
  }
}

static void work_ns(uint64_t ns) {
  uint64_t until = now_ns() + ns;
  while (now_ns() < until) {
  }
}

/* ── the ops of the heap ─────────────────────────────────────────────────────────────────────── */

static struct cell *cell_of(struct lab_thread *self, uint32_t operand) {
  return (int32_t)operand < 0 ? &run.tables[~operand] : &self->cells[operand];
}

static void release(struct lab_thread *self, struct cell content) {
  if (content.block == NULL) return;
  free(content.block);
  self->live -= (int64_t)content.bytes;
}

static void fill(struct lab_thread *self, uint32_t operand, void *block, uint64_t bytes) {
  struct cell *cell = cell_of(self, operand);
  struct cell held = claim(cell);
  release(self, held);
  if (block == NULL) {
    self->failed++;
    bytes = 0;
  }
  self->live += (int64_t)bytes;
  publish(cell, (struct cell){block, bytes});
}

static void reallocate(struct lab_thread *self, uint32_t operand, uint64_t bytes) {
  struct cell *cell = cell_of(self, operand);
  struct cell held = claim(cell);
  void *block = realloc(held.block, bytes);
  if (block == NULL && bytes != 0) {
    self->failed++;
  } else {
    self->live += (int64_t)bytes - (int64_t)held.bytes;
    held = (struct cell){block, block == NULL ? 0 : bytes};
  }
  publish(cell, held);
}

/* pages 0: all of the block, or every byte where that was asked for. */
static void write_block(struct lab_thread *self, uint32_t operand, uint64_t pages) {
  struct cell *cell = cell_of(self, operand);
  struct cell held = claim(cell);
  if (held.block != NULL && held.bytes > 0) {
    uint64_t bytes = held.bytes;
    if (pages > 0 && bytes > pages * PAGE) bytes = pages * PAGE;
    if (run.fill && pages == 0) {
      memset(held.block, 0xA5, bytes);
    } else {
      for (uint64_t at = 0; at < bytes; at += PAGE)
        *(volatile unsigned char *)(held.block + at) = 0xA5;
      *(volatile unsigned char *)(held.block + bytes - 1) = 0xA5;
    }
  }
  publish(cell, held);
}

static void move(struct lab_thread *self, uint32_t from, uint32_t to) {
  if (from == to) return;
  struct cell *source = cell_of(self, from);
  struct cell content = claim(source);
  publish(source, (struct cell){NULL, 0});
  struct cell *target = cell_of(self, to);
  release(self, claim(target));
  publish(target, content);
}

static void swap(struct lab_thread *self, uint32_t a, uint32_t b) {
  if (a == b) return;
  /* By address, so that two threads never wait for each other's claims. */
  struct cell *first = cell_of(self, a), *second = cell_of(self, b);
  if (first > second) {
    struct cell *other = first;
    first = second;
    second = other;
  }
  struct cell x = claim(first), y = claim(second);
  publish(first, y);
  publish(second, x);
}

/* ── threads ─────────────────────────────────────────────────────────────────────────────────── */

static void *thread_main(void *argument);

static const uint32_t *map_file(uint32_t number, size_t *bytes) {
  char path[PATH_BYTES];
  path_of(path, number);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0) die("an op file of the scenario is missing");
  *bytes = (size_t)status.st_size;
  const uint32_t *words = mmap(NULL, *bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
  close(fd);
  if (words == MAP_FAILED) die("an op file of the scenario cannot be mapped");
  return words;
}

static struct lab_thread *thread_at(uint32_t number) {
  if (number >= run.thread_count) die("lab thread number beyond the plan");
  return &run.threads[number];
}

static void start(struct lab_thread *self, uint32_t number, uint32_t first, uint32_t count) {
  struct lab_thread *child = thread_at(number);
  child->cells = own_shared((run.private_cells + 1) * sizeof *child->cells);
  for (uint32_t i = 0; i < count; i++) {
    child->cells[i] = self->cells[first + i];
    self->cells[first + i] = (struct cell){NULL, 0};
  }
  child->next_child = self->first_child;
  self->first_child = child;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, run.stack_bytes);
  if (pthread_create(&child->handle, &attributes, thread_main, child) != 0)
    die("cannot start a thread");
  pthread_attr_destroy(&attributes);
}

/* In the order they were started. */
static void join_all(struct lab_thread *self) {
  struct lab_thread *reversed = NULL, *child = self->first_child;
  while (child != NULL) {
    struct lab_thread *next = child->next_child;
    child->next_child = reversed;
    reversed = child;
    child = next;
  }
  for (child = reversed; child != NULL; child = child->next_child) {
    pthread_join(child->handle, NULL);
    own_free(child->cells, (run.private_cells + 1) * sizeof *child->cells);
    child->cells = NULL;
  }
  self->first_child = NULL;
}

static void report(uint32_t label) {
  double figures[8];
  figures[0] = label;
  figures[1] = (double)(now_ns() - run.start);
  process_status(&figures[2], &figures[3]);
  figures[3] -= (double)own_shared_bytes();
  int64_t live = 0;
  uint64_t ops = 0, failed = 0;
  for (uint32_t i = 0; i < run.thread_count; i++) {
    live += run.threads[i].live;
    ops += run.threads[i].ops;
    failed += run.threads[i].failed;
  }
  figures[4] = (double)live;
  figures[5] = process_minor_faults() - run.faults_before;
  figures[6] = (double)ops;
  figures[7] = (double)failed;
  pthread_mutex_lock(&run.output);
  out_pair((uint32_t)OUT_CHECK << 28, 8);
  out_doubles(figures, 8);
  out_flush();
  pthread_mutex_unlock(&run.output);
}

/* ── the loop ────────────────────────────────────────────────────────────────────────────────── */

static void keep_pace(struct lab_thread *self) {
  self->next_turn += self->pace_ns;
  uint64_t now = now_ns();
  if (self->next_turn > now) sleep_ns(self->next_turn - now);
}

/* Gives 0 when the lab thread ends here. */
static int carry_out(struct lab_thread *self, const uint32_t *op) {
  uint32_t a = op[1], b = op[2], c = op[3];
  switch (op[0]) {
    case OP_MALLOC: fill(self, a, malloc(b), b); break;
    case OP_CALLOC: fill(self, a, calloc(b, c), (uint64_t)b * c); break;
    case OP_MEMALIGN: fill(self, a, memalign(b, c), c); break;
    case OP_REALLOC: reallocate(self, a, b); break;
    case OP_FREE: {
      struct cell *cell = cell_of(self, a);
      struct cell held = claim(cell);
      release(self, held);
      publish(cell, (struct cell){NULL, 0});
      break;
    }
    case OP_WRITE: write_block(self, a, 0); break;
    case OP_WRITE_PAGES: write_block(self, a, b); break;
    case OP_SEND: {
      struct cell *cell = cell_of(self, b);
      struct cell held = claim(cell);
      publish(cell, (struct cell){NULL, 0});
      if (!channel_send(a, held)) release(self, held);
      break;
    }
    case OP_RECEIVE: {
      struct cell received = channel_receive(a);
      struct cell *cell = cell_of(self, b);
      release(self, claim(cell));
      publish(cell, received);
      break;
    }
    case OP_SWAP: swap(self, a, b); break;
    case OP_MOVE: move(self, a, b); break;
    case OP_BARRIER: barrier_wait(a, b); break;
    case OP_WORK: work_ns(a * 1000000ull + b); break;
    case OP_SLEEP: sleep_ns(a * 1000000ull + b); break;
    case OP_PACE:
      self->pace_ns = a == 0 ? 0 : 1000000000u / a;
      self->next_turn = now_ns();
      break;
    case OP_PHASE: report(a); break;
    case OP_TRIM: malloc_trim(a); break;
    case OP_START: start(self, a, b, c); break;
    case OP_JOIN_ALL: join_all(self); break;
    case OP_EXIT: return 0;
    default: die("unknown op in a scenario's file");
  }
  return 1;
}

static void carry_out_all(struct lab_thread *self) {
  size_t bytes;
  const uint32_t *file = map_file((uint32_t)(self - run.threads), &bytes);
  const uint32_t *first = file + FILE_HEADER_WORDS;
  const uint32_t *end = file + bytes / 4;
  int loops = file[1] == FILE_LOOPS, goes_on = 1;
  do {
    for (const uint32_t *op = first; op < end && goes_on; op += 1 + operands[op[0]]) {
      if (op[0] == 0 || op[0] >= OP_END) die("unknown op in a scenario's file");
      if ((self->ops & (CLOCK_EVERY - 1)) == 0 && deadline_passed()) goes_on = 0;
      if (!goes_on) break;
      goes_on = carry_out(self, op);
      self->ops++;
      if (self->pace_ns != 0) keep_pace(self);
    }
  } while (loops && goes_on && run.deadline != 0);
  /* Nobody is left behind: a deadline ends the starter before its joins. */
  join_all(self);
  munmap((void *)file, bytes);
}

static void *thread_main(void *argument) {
  carry_out_all(argument);
  return NULL;
}

int run_scenario(const char *folder) {
  scenario_open(folder);
  run.faults_before = process_minor_faults();
  run.start = now_ns();
  report(UINT32_MAX);
  if (run.milliseconds != 0) run.deadline = run.start + run.milliseconds * 1000000u;
  carry_out_all(&run.threads[0]);
  report(UINT32_MAX);
  return 0;
}
