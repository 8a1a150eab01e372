/*
 * The native side of test/scenarios/contend.ts: how many pairs of malloc and free a second T threads
 * get through. Rates are of windows of about a millisecond in which every thread moved, so that
 * something can be said on a machine that is not idle: look at the quartiles.
 *
 *   cc -O2 -pthread -o contend test/support/contend.c
 *   GLIBC_TUNABLES=glibc.malloc.tcache_count=0:glibc.malloc.arena_max=1 ./contend 2
 *   ./contend 2 cached
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 10000, BURST = 4, AT_ONCE = 64, THREADS_MAX = 64, WINDOWS = 120, LOST_MAX = 400 };

static int cached;
static atomic_int go;
static struct {
  _Alignas(128) atomic_long pairs;
} done[THREADS_MAX];

static uint32_t next_random(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

static char *block(uint32_t *state) {
  char *fresh = malloc(16 + next_random(state) % 1009);
  *(volatile char *)fresh = 1;
  return fresh;
}

static long burst(uint32_t *state, char **slots) {
  size_t bytes = 16 + next_random(state) % 1009;
  for (int i = 0; i < BURST; i++) *(volatile char *)(slots[i] = malloc(bytes)) = 1;
  for (int i = BURST - 1; i >= 0; i--) free(slots[i]);
  return BURST;
}

static long replace(uint32_t *state, char **slots) {
  char **slot = &slots[next_random(state) % SLOTS];
  free(*slot);
  *slot = block(state);
  return 1;
}

static void *work(void *number) {
  uint32_t state = (uint32_t)(intptr_t)number + 1;
  char **slots = calloc(SLOTS, sizeof *slots);
  for (int i = 0; i < SLOTS && !cached; i++) slots[i] = block(&state);
  while (!atomic_load(&go)) {
  }
  for (long pairs = 0;;) {
    for (int i = 0; i < AT_ONCE; i++) {
      pairs += cached ? burst(&state, slots) : replace(&state, slots);
    }
    atomic_store_explicit(&done[(intptr_t)number].pairs, pairs, memory_order_relaxed);
  }
  return NULL;
}

static double now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int count, char **words) {
  int threads = count > 1 ? atoi(words[1]) : 1;
  if (threads < 1 || threads > THREADS_MAX) return 2;
  cached = count > 2;
  for (intptr_t i = 0; i < threads; i++) {
    pthread_t thread;
    pthread_create(&thread, NULL, work, (void *)i);
  }
  usleep(200000);
  atomic_store(&go, 1);
  static double rates[WINDOWS];
  long before[THREADS_MAX] = {0};
  int windows = 0;
  double start = now_ns();
  for (int lost = 0; windows < WINDOWS && lost < LOST_MAX;) {
    usleep(400);
    double end = now_ns();
    long pairs = 0;
    int all_moved = 1;
    for (int i = 0; i < threads; i++) {
      long now = atomic_load(&done[i].pairs);
      all_moved &= now != before[i];
      pairs += now - before[i];
      before[i] = now;
    }
    if (end - start < 3e6 && all_moved) rates[windows++] = (double)pairs / (end - start) * 1e3;
    else lost++;
    start = end;
  }
  qsort(rates, (size_t)windows, sizeof *rates, by_size);
  printf("%d threads: %.2f %.2f %.2f M pairs/s (quartiles of %d windows)\n", threads,
         rates[windows / 4], rates[windows / 2], rates[windows * 3 / 4], windows);
  fflush(stdout);
  _exit(0);
}
