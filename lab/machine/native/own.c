/* Memory, input and output that leave the measured heap alone. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "replayer.h"

#define BUFFER_BYTES (1 * MIB)

static struct {
  int fd;
  size_t used;
  unsigned char *bytes;
} out;

static struct {
  int fd;
  int ended;
  size_t start; /* first byte not taken */
  size_t end;   /* end of what was read */
  unsigned char *bytes;
} in;

void die(const char *message) {
  static const char prefix[] = "arena-lab replayer: ";
  /* A failed write to stderr leaves nothing more to say. */
  if (write(2, prefix, sizeof prefix - 1) < 0 || write(2, message, strlen(message)) < 0 ||
      write(2, "\n", 1) < 0)
    _exit(71);
  _exit(70);
}

void *own_memory(size_t bytes) {
  size_t rounded = (bytes + PAGE - 1) & ~(PAGE - 1);
  if (rounded == 0) rounded = PAGE;
  /* Populated at once, so that no fault of our own is counted during the replay. */
  void *memory = mmap(NULL, rounded, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) die("no memory for the replayer's own tables");
  return memory;
}

static _Atomic uint64_t shared_bytes;

void *own_shared(size_t bytes) {
  size_t rounded = (bytes + PAGE - 1) & ~(PAGE - 1);
  if (rounded == 0) rounded = PAGE;
  void *memory =
      mmap(NULL, rounded, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) die("no memory for the scenario's cells");
  shared_bytes += rounded;
  return memory;
}

void own_free(void *memory, size_t bytes) {
  size_t rounded = (bytes + PAGE - 1) & ~(PAGE - 1);
  if (rounded == 0) rounded = PAGE;
  munmap(memory, rounded);
  shared_bytes -= rounded;
}

uint64_t own_shared_bytes(void) { return shared_bytes; }

void out_open(int fd) {
  out.fd = fd;
  out.bytes = own_memory(BUFFER_BYTES);
}

void out_flush(void) {
  size_t written = 0;
  while (written < out.used) {
    ssize_t count = write(out.fd, out.bytes + written, out.used - written);
    if (count < 0 && errno == EINTR) continue;
    /* The reader went away: it has seen the difference it was looking for. */
    if (count < 0) _exit(75);
    written += (size_t)count;
  }
  out.used = 0;
}

void out_bytes(const void *bytes, size_t count) {
  const unsigned char *from = bytes;
  while (count > 0) {
    if (out.used == BUFFER_BYTES) out_flush();
    size_t room = BUFFER_BYTES - out.used;
    size_t part = count < room ? count : room;
    memcpy(out.bytes + out.used, from, part);
    out.used += part;
    from += part;
    count -= part;
  }
}

void out_pair(uint32_t first, uint32_t second) {
  if (out.used + 8 > BUFFER_BYTES) out_flush();
  memcpy(out.bytes + out.used, &first, 4);
  memcpy(out.bytes + out.used + 4, &second, 4);
  out.used += 8;
}

void out_doubles(const double *figures, uint32_t count) {
  out_bytes(figures, (size_t)count * sizeof *figures);
}

void in_open(int fd) {
  in.fd = fd;
  in.bytes = own_memory(BUFFER_BYTES);
}

static void in_fill(void) {
  memmove(in.bytes, in.bytes + in.start, in.end - in.start);
  in.end -= in.start;
  in.start = 0;
  while (in.end < BUFFER_BYTES) {
    ssize_t count = read(in.fd, in.bytes + in.end, BUFFER_BYTES - in.end);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) die("cannot read the trace");
    if (count == 0) {
      in.ended = 1;
      return;
    }
    in.end += (size_t)count;
  }
}

const uint32_t *in_peek(uint32_t count) {
  if (in.end - in.start < count * 4UL && !in.ended) in_fill();
  if (in.end - in.start < count * 4UL) return NULL;
  return (const uint32_t *)(in.bytes + in.start);
}

void in_take(uint32_t count) { in.start += count * 4UL; }
