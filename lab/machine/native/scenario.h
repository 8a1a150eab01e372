/* What the files of the replayer's scenario mode share. */
#ifndef ARENA_LAB_SCENARIO_H
#define ARENA_LAB_SCENARIO_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#define PATH_BYTES 4096

/* A place of one block. */
struct cell {
  unsigned char *block;
  uint64_t bytes; /* requested */
};

struct lab_thread {
  pthread_t handle;
  struct cell *cells;
  struct lab_thread *first_child; /* newest first */
  struct lab_thread *next_child;
  uint64_t ops;
  uint64_t failed;
  int64_t live; /* requested bytes held: + at malloc, - at free; may be negative */
  uint64_t pace_ns;
  uint64_t next_turn;
} __attribute__((aligned(128)));

struct run {
  char folder[PATH_BYTES];
  struct lab_thread *threads;
  uint32_t thread_count;
  uint32_t private_cells;
  struct cell *tables;
  uint32_t table_cells; /* of all tables */
  uint64_t stack_bytes;
  uint64_t milliseconds; /* until the deadline, 0 for none */
  uint64_t start;
  uint64_t deadline;
  int fill; /* write every byte */
  double faults_before;
  pthread_mutex_t output;
};
extern struct run run;

uint64_t now_ns(void);

/* Reads the plan and makes tables, channels and barriers (scenario-plan.c). */
void scenario_open(const char *folder);
void path_of(char *path, uint32_t number);

/* The content of a cell, which is the caller's alone until it publishes a new one. */
struct cell claim(struct cell *cell);
void publish(struct cell *cell, struct cell content);

/* 0 when the deadline passed before there was room. */
int channel_send(uint32_t channel, struct cell content);
/* Empty when the deadline passed before there was anything. */
struct cell channel_receive(uint32_t channel);
void barrier_wait(uint32_t barrier, uint32_t parties);

#endif
