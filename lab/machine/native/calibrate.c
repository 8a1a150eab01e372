/*
 * Measures what things cost on this machine: system calls, page faults, locks, cache lines. Prints
 * "name nanoseconds" lines, nearly all the best of several rounds, since everything else that runs
 * here can only make a round slower. `calibrate pair` prints what a malloc and a free cost alone,
 * for the caller to run it under other settings of malloc.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 15, PAGE = 4096, REGION = 128 * 1024, MAPPINGS = 64, GROWN = 1024 };

static double now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Runs `round` and keeps the smallest result. */
static double best(double (*round)(void)) {
  double least = round();
  for (int i = 1; i < ROUNDS; i++) {
    double ns = round();
    if (ns < least) least = ns;
  }
  return least;
}

static void say(const char *name, double ns) { printf("%s %.2f\n", name, ns < 0 ? 0 : ns); }

static void *map_region(size_t bytes) {
  void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) exit(1);
  return at;
}

/* ---- locks and atomics ---------------------------------------------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static _Alignas(64) atomic_int word;
static _Alignas(64) atomic_int other_word;

static double lock_round(void) {
  double start = now_ns();
  for (int i = 0; i < 20000; i++) {
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
  }
  return (now_ns() - start) / 20000;
}

static double atomic_round(void) {
  double start = now_ns();
  for (int i = 0; i < 20000; i++) atomic_fetch_add(&word, 1);
  return (now_ns() - start) / 20000;
}

static double channel_round(void) {
  double start = now_ns();
  for (int i = 0; i < 20000; i++) {
    pthread_mutex_lock(&mutex);
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&mutex);
  }
  return (now_ns() - start) / 20000;
}

static long futex(atomic_int *at, int operation, int value) {
  return syscall(SYS_futex, at, operation | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

static double futex_wait_round(void) {
  double start = now_ns();
  for (int i = 0; i < 2000; i++) futex(&word, FUTEX_WAIT, atomic_load(&word) + 1);
  return (now_ns() - start) / 2000;
}

/* ---- two threads ---------------------------------------------------------------------------- */

static void pin_to(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

enum { TURNS = 2000 };
static atomic_int stop;

/* Answers each odd number with the next even one, by spinning. */
static void *echo_spinning(void *unused) {
  (void)unused;
  pin_to(1);
  while (!atomic_load(&stop)) {
    int seen = atomic_load(&word);
    if (seen & 1) atomic_store(&word, seen + 1);
  }
  return NULL;
}

static double transfer_round(void) {
  double least = 1e9;
  for (int batch = 0; batch < 20; batch++) {
    double start = now_ns();
    for (int turn = 0; turn < 100; turn++) {
      int sent = atomic_load(&word) + 1;
      atomic_store(&word, sent);
      while (atomic_load(&word) == sent) {
      }
    }
    double ns = (now_ns() - start) / 200;
    if (ns < least) least = ns;
  }
  return least;
}

static _Atomic double woken_at;
static int echo_core;

/* The same with futexes: sleeps until the word changes, says when it woke, answers. */
static void *echo_sleeping(void *unused) {
  (void)unused;
  pin_to(echo_core);
  for (int seen = 0; !atomic_load(&stop);) {
    while (atomic_load(&word) == seen && !atomic_load(&stop)) futex(&word, FUTEX_WAIT, seen);
    atomic_store(&woken_at, now_ns());
    seen = atomic_load(&word);
    atomic_store(&other_word, seen);
    futex(&other_word, FUTEX_WAKE, 1);
  }
  return NULL;
}

static double wake_call_ns, wake_latency_ns;

static void one_wake(int turn) {
  usleep(50);
  atomic_store(&word, turn);
  double start = now_ns();
  futex(&word, FUTEX_WAKE, 1);
  double call = now_ns() - start;
  while (atomic_load(&other_word) != turn) {
  }
  double latency = atomic_load(&woken_at) - start;
  if (call < wake_call_ns) wake_call_ns = call;
  if (latency < wake_latency_ns) wake_latency_ns = latency;
}

/* One there and back on one core: two wake-ups, two waits and two switches. */
static double switch_round(void) {
  double start = now_ns();
  for (int turn = 0; turn < 200; turn++) {
    int sent = atomic_load(&word) + 1;
    atomic_store(&word, sent);
    futex(&word, FUTEX_WAKE, 1);
    while (atomic_load(&other_word) != sent) futex(&other_word, FUTEX_WAIT, sent - 1);
  }
  return (now_ns() - start) / 400;
}

static void two_threads(int cores) {
  pthread_t echo;
  if (cores > 1) {
    pin_to(0);
    pthread_create(&echo, NULL, echo_spinning, NULL);
    say("coreTransfer", best(transfer_round));
    atomic_store(&stop, 1);
    pthread_join(echo, NULL);
    atomic_store(&stop, 0);
    atomic_store(&word, 0);
    atomic_store(&other_word, 0);
    echo_core = 1;
    wake_call_ns = wake_latency_ns = 1e9;
    pthread_create(&echo, NULL, echo_sleeping, NULL);
    for (int turn = 1; turn <= TURNS / 4; turn++) one_wake(turn);
    say("futexWake", wake_call_ns);
    say("wake", wake_latency_ns);
    atomic_store(&stop, 1);
    atomic_store(&word, -1);
    futex(&word, FUTEX_WAKE, 1);
    pthread_join(echo, NULL);
    atomic_store(&stop, 0);
  }
  atomic_store(&word, 0);
  atomic_store(&other_word, 0);
  echo_core = 0;
  pin_to(0);
  pthread_create(&echo, NULL, echo_sleeping, NULL);
  say("contextSwitch", best(switch_round));
  atomic_store(&stop, 1);
  atomic_store(&word, -1);
  futex(&word, FUTEX_WAKE, 1);
  pthread_join(echo, NULL);
}

/* Nobody else wants this core: it comes back at once. */
static double yield_round(void) {
  double start = now_ns();
  for (int i = 0; i < 2000; i++) sched_yield();
  return (now_ns() - start) / 2000;
}

static void *nothing(void *unused) { return unused; }

static double thread_round(void) {
  double least = 1e9;
  for (int i = 0; i < 50; i++) {
    pthread_t thread;
    double start = now_ns();
    pthread_create(&thread, NULL, nothing, NULL);
    double ns = now_ns() - start;
    pthread_join(thread, NULL);
    if (ns < least) least = ns;
  }
  return least;
}

enum { STACK = 8 << 20, STACKS = 50 };

/* What glibc does for a new stack: all mapped, all but the guard made writable, two pages touched. */
static double stack_round(void) {
  char *stacks[STACKS];
  double start = now_ns();
  for (int i = 0; i < STACKS; i++) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE;
    char *at = mmap(NULL, STACK + PAGE, PROT_NONE, flags, -1, 0);
    if (at == MAP_FAILED) exit(1);
    mprotect(at + PAGE, STACK, PROT_READ | PROT_WRITE);
    at[STACK] = 1;
    at[STACK - PAGE] = 1;
    stacks[i] = at;
  }
  double ns = (now_ns() - start) / STACKS;
  for (int i = 0; i < STACKS; i++) munmap(stacks[i], STACK + PAGE);
  return ns;
}

/* ---- the kernel's memory calls -------------------------------------------------------------- */

static char *mapped[MAPPINGS];

static double mmap_round(void) {
  double start = now_ns();
  for (int i = 0; i < MAPPINGS; i++) mapped[i] = map_region(REGION);
  double ns = (now_ns() - start) / MAPPINGS;
  for (int i = 0; i < MAPPINGS; i++) munmap(mapped[i], REGION);
  return ns;
}

static double munmap_round(void) {
  for (int i = 0; i < MAPPINGS; i++) mapped[i] = map_region(REGION);
  double start = now_ns();
  for (int i = 0; i < MAPPINGS; i++) munmap(mapped[i], REGION);
  return (now_ns() - start) / MAPPINGS;
}

static void touch_all(char *at, size_t bytes) {
  for (size_t offset = 0; offset < bytes; offset += PAGE) ((volatile char *)at)[offset] = 1;
}

static double munmap_touched_round(void) {
  for (int i = 0; i < MAPPINGS; i++) touch_all(mapped[i] = map_region(REGION), REGION);
  double start = now_ns();
  for (int i = 0; i < MAPPINGS; i++) munmap(mapped[i], REGION);
  return (now_ns() - start) / MAPPINGS;
}

/*
 * First writes to pages, as growing heaps make them. Once, in a process that has given none back:
 * such pages lie ready in the core's own list and its cache, and cost less.
 */
static double first_faults(void) {
  size_t bytes = 1024 * PAGE;
  char *at = map_region(bytes);
  madvise(at, bytes, MADV_NOHUGEPAGE);
  double start = now_ns();
  touch_all(at, bytes);
  return (now_ns() - start) / 1024;
}

/*
 * As heaps grow: a page more, which is written next. A mapping without pages grows in about six
 * tenths of that time.
 */
static double mprotect_round(void) {
  size_t bytes = (size_t)GROWN * PAGE;
  char *at = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) exit(1);
  double ns = 0;
  for (int i = 0; i < GROWN; i++) {
    double start = now_ns();
    mprotect(at + (size_t)i * PAGE, PAGE, PROT_READ | PROT_WRITE);
    ns += now_ns() - start;
    at[(size_t)i * PAGE] = 1;
  }
  munmap(at, bytes);
  return ns / GROWN;
}

static double madvise_round(void) {
  char *at = map_region(REGION);
  double start = now_ns();
  for (int i = 0; i < MAPPINGS; i++) madvise(at, REGION, MADV_DONTNEED);
  double ns = (now_ns() - start) / MAPPINGS;
  munmap(at, REGION);
  return ns;
}

static double mremap_round(void) {
  char *at = map_region(REGION);
  double start = now_ns();
  for (int i = 0; i < MAPPINGS; i++) {
    at = mremap(at, i % 2 == 0 ? REGION : 2 * REGION, i % 2 == 0 ? 2 * REGION : REGION,
                MREMAP_MAYMOVE);
  }
  double ns = (now_ns() - start) / MAPPINGS;
  munmap(at, REGION);
  return ns;
}

static double brk_round(void) {
  char *before = sbrk(0);
  double start = now_ns();
  for (int i = 0; i < MAPPINGS; i++) {
    if (sbrk(33 * PAGE) == (void *)-1) exit(1);
  }
  double ns = (now_ns() - start) / MAPPINGS;
  if (brk(before) != 0) exit(1);
  return ns;
}

/* ---- memory --------------------------------------------------------------------------------- */

enum { NODES = 2048 };
struct node {
  struct node *next;
  char rest[56];
};
static struct node nodes[NODES];

/* A list of 128 KiB in random order: between the first and the second level of caches. */
static double list_round(void) {
  static int order[NODES];
  for (int i = 0; i < NODES; i++) order[i] = i;
  uint32_t state = 1;
  for (int i = NODES - 1; i > 0; i--) {
    state = state * 1664525u + 1013904223u;
    int j = (int)(state >> 8) % (i + 1), kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
  for (int i = 0; i < NODES; i++) nodes[order[i]].next = &nodes[order[(i + 1) % NODES]];
  struct node *volatile at = nodes;
  struct node *walk = at;
  double start = now_ns();
  for (int i = 0; i < 8 * NODES; i++) walk = walk->next;
  double ns = (now_ns() - start) / (8 * NODES);
  at = walk;
  return ns;
}

/* Over 4 MiB: what a thread that fills blocks just got finds in its caches is mostly not there. */
static double write_round(void) {
  static char blocks[4096][1024];
  double start = now_ns();
  for (int i = 0; i < 4096; i++) memset(blocks[i], i, 1024);
  return (now_ns() - start) / 4096;
}

/* A malloc and a free of 512 bytes: above what a fastbin takes. */
static double pair_round(void) {
  double start = now_ns();
  for (int i = 0; i < 20000; i++) {
    char *block = malloc(512);
    *(volatile char *)block = 1;
    free(block);
  }
  return (now_ns() - start) / 20000;
}

/* Random replacement among 10 000 blocks of 16 to 1024 bytes. */
static double replace_round(void) {
  static char *slots[10000];
  uint32_t state = 1;
  double start = now_ns();
  for (int i = 0; i < 20000; i++) {
    state = state * 1664525u + 1013904223u;
    char **slot = &slots[(state >> 8) % 10000];
    free(*slot);
    *slot = malloc(16 + (state >> 16) % 1009);
    *(volatile char *)*slot = 1;
  }
  return (now_ns() - start) / 20000;
}

/*
 * What a replacement takes beside malloc and free: loop, random numbers, look-up. Three ops share
 * it: free, malloc, write.
 */
static double op_round(void) {
  static char *volatile slots[10000];
  uint32_t state = 1;
  double start = now_ns();
  for (int i = 0; i < 20000; i++) {
    state = state * 1664525u + 1013904223u;
    char *volatile *slot = &slots[(state >> 8) % 10000];
    *slot = *slot + 16 + (state >> 16) % 1009;
  }
  return (now_ns() - start) / 20000 / 3;
}

/* Both ends of a block just got. */
static double stamp_round(void) {
  static volatile int block[256];
  double start = now_ns();
  for (int i = 0; i < 20000; i++) {
    block[0] = i;
    block[16 + i % 64] = i;
  }
  return (now_ns() - start) / 20000;
}

static void *sleeper(void *unused) {
  pause();
  return unused;
}

int main(int count, char **words) {
  /* From here on the process has two threads: malloc and mutexes take their locks in earnest. */
  pthread_t other;
  pthread_create(&other, NULL, sleeper, NULL);
  void *kept = malloc(512);
  if (count > 1 && strcmp(words[1], "pair") == 0) {
    say("pair", best(pair_round));
    say("replace", best(replace_round));
    free(kept);
    return 0;
  }
  say("fault", first_faults());
  say("lock", best(lock_round));
  say("atomic", best(atomic_round));
  say("channel", best(channel_round));
  say("futexWait", best(futex_wait_round));
  say("mmap", best(mmap_round));
  double untouched = best(munmap_round);
  say("munmap", untouched);
  say("pageFreed", (best(munmap_touched_round) - untouched) / (REGION / PAGE));
  say("mprotect", best(mprotect_round));
  say("madvise", best(madvise_round));
  say("mremap", best(mremap_round));
  say("brk", best(brk_round));
  say("listStep", best(list_round));
  say("writeKib", best(write_round));
  say("op", best(op_round));
  say("write", best(stamp_round));
  say("threadStart", best(thread_round));
  say("newStack", best(stack_round));
  say("yield", best(yield_round));
  two_threads((int)sysconf(_SC_NPROCESSORS_ONLN));
  free(kept);
  return 0;
}
