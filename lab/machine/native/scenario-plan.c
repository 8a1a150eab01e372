/* The plan of a scenario, and what its lab threads share: cells, channels, barriers. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "replayer.h"
#include "scenario.h"

#define PLAN_MAGIC 0x31504c41u
#define PLAN_WORDS_MAX 65536
/* Waits end after this long to look at the deadline. */
#define SLICE_NS 10000000L

struct channel {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  uint32_t capacity;
  uint32_t first;
  uint32_t count;
  struct cell *ring;
};

struct barrier {
  pthread_mutex_t mutex;
  pthread_cond_t opened;
  uint32_t waiting;
  uint32_t rounds;
};

static struct channel *channels;
static struct barrier *barriers;
/* In a cell whose content is on the move. */
#define BUSY ((unsigned char *)1)

void path_of(char *path, uint32_t number) {
  char digits[12];
  size_t count = 0, length = strlen(run.folder);
  do {
    digits[count++] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  if (length + count + 2 > PATH_BYTES) die("the scenario folder's path is too long");
  memcpy(path, run.folder, length);
  path[length++] = '/';
  while (count > 0) path[length++] = digits[--count];
  path[length] = '\0';
}

static void init_condition(pthread_cond_t *condition) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(condition, &attributes);
}

/* Words of the file `plan`: see scenario-files.ts. */
void scenario_open(const char *folder) {
  static uint32_t words[PLAN_WORDS_MAX];
  if (strlen(folder) >= PATH_BYTES - 8) die("the scenario folder's path is too long");
  strcpy(run.folder, folder);
  char path[PATH_BYTES];
  strcpy(path, folder);
  strcat(path, "/plan");
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t bytes = fd < 0 ? -1 : read(fd, words, sizeof words);
  if (bytes < 36 || words[0] != PLAN_MAGIC) die("this is no scenario plan");
  close(fd);
  run.thread_count = words[1];
  run.private_cells = words[2];
  run.stack_bytes = words[4];
  run.milliseconds = words[5];
  run.fill = words[6] != 0;
  run.threads = own_shared(run.thread_count * sizeof *run.threads);
  run.threads[0].cells = own_shared((run.private_cells + 1) * sizeof(struct cell));
  run.table_cells = words[3];
  run.tables = own_shared((words[3] + 1) * sizeof *run.tables);
  pthread_mutex_init(&run.output, NULL);
  uint32_t barrier_count = words[7], channel_count = words[8];
  if ((size_t)bytes < (9 + channel_count) * 4UL) die("this is no scenario plan");
  barriers = own_shared((barrier_count + 1) * sizeof *barriers);
  channels = own_shared((channel_count + 1) * sizeof *channels);
  for (uint32_t i = 0; i < barrier_count; i++) {
    pthread_mutex_init(&barriers[i].mutex, NULL);
    init_condition(&barriers[i].opened);
  }
  for (uint32_t i = 0; i < channel_count; i++) {
    pthread_mutex_init(&channels[i].mutex, NULL);
    init_condition(&channels[i].changed);
    channels[i].capacity = words[9 + i];
    channels[i].ring = own_shared(channels[i].capacity * sizeof(struct cell));
  }
}

struct cell claim(struct cell *cell) {
  /* Private cells go the same way: an exchange without contention is small beside a malloc. */
  unsigned char *block;
  while ((block = __atomic_exchange_n(&cell->block, BUSY, __ATOMIC_ACQUIRE)) == BUSY)
    sched_yield();
  return (struct cell){block, cell->bytes};
}

void publish(struct cell *cell, struct cell content) {
  cell->bytes = content.bytes;
  __atomic_store_n(&cell->block, content.block, __ATOMIC_RELEASE);
}

/* 0 once the deadline has passed. */
static int wait_a_slice(pthread_cond_t *condition, pthread_mutex_t *mutex) {
  uint64_t now = now_ns();
  if (run.deadline != 0 && now >= run.deadline) return 0;
  uint64_t until = now + SLICE_NS;
  struct timespec time = {.tv_sec = (time_t)(until / 1000000000u),
                          .tv_nsec = (long)(until % 1000000000u)};
  pthread_cond_timedwait(condition, mutex, &time);
  return 1;
}

int channel_send(uint32_t number, struct cell content) {
  struct channel *channel = &channels[number];
  pthread_mutex_lock(&channel->mutex);
  int goes_on = 1;
  while (channel->count == channel->capacity && goes_on)
    goes_on = wait_a_slice(&channel->changed, &channel->mutex);
  if (goes_on) {
    channel->ring[(channel->first + channel->count++) % channel->capacity] = content;
    pthread_cond_broadcast(&channel->changed);
  }
  pthread_mutex_unlock(&channel->mutex);
  return goes_on;
}

struct cell channel_receive(uint32_t number) {
  struct channel *channel = &channels[number];
  struct cell content = {NULL, 0};
  pthread_mutex_lock(&channel->mutex);
  int goes_on = 1;
  while (channel->count == 0 && goes_on)
    goes_on = wait_a_slice(&channel->changed, &channel->mutex);
  if (channel->count > 0) {
    content = channel->ring[channel->first];
    channel->first = (channel->first + 1) % channel->capacity;
    channel->count--;
    pthread_cond_broadcast(&channel->changed);
  }
  pthread_mutex_unlock(&channel->mutex);
  return content;
}

void barrier_wait(uint32_t number, uint32_t parties) {
  struct barrier *barrier = &barriers[number];
  pthread_mutex_lock(&barrier->mutex);
  uint32_t round = barrier->rounds;
  if (++barrier->waiting == parties) {
    barrier->waiting = 0;
    barrier->rounds++;
    pthread_cond_broadcast(&barrier->opened);
  } else {
    while (barrier->rounds == round && wait_a_slice(&barrier->opened, &barrier->mutex)) {
    }
  }
  pthread_mutex_unlock(&barrier->mutex);
}
