/* The process as the kernel sees it, read without stdio. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "replayer.h"

/* One mincore vector: a byte per page of up to 64 MiB. */
#define VECTOR_PAGES (64 * MIB / PAGE)

static size_t read_text(const char *path, char *text, size_t room) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) die("cannot read /proc/self");
  ssize_t count = read(fd, text, room - 1);
  close(fd);
  if (count < 0) die("cannot read /proc/self");
  text[count] = '\0';
  return (size_t)count;
}

/* The decimal number at *text; moves past it and the white space that follows. */
static uint64_t take_number(const char **text) {
  uint64_t value = 0;
  while (**text >= '0' && **text <= '9') value = value * 10 + (uint64_t)(*(*text)++ - '0');
  while (**text == ' ') (*text)++;
  return value;
}

void process_sizes(double *vm_bytes, double *rss_bytes) {
  char text[256];
  read_text("/proc/self/statm", text, sizeof text);
  const char *at = text;
  *vm_bytes = (double)(take_number(&at) * PAGE);
  *rss_bytes = (double)(take_number(&at) * PAGE);
}

/* Bytes of a line such as `RssAnon:    1234 kB`. */
static double status_bytes(const char *text, const char *name) {
  const char *at = strstr(text, name);
  if (at == NULL) return 0;
  at += strlen(name);
  while (*at == ' ' || *at == '\t') at++;
  return (double)(take_number(&at) * 1024);
}

void process_status(double *anonymous_bytes, double *vm_bytes) {
  char text[4096];
  read_text("/proc/self/status", text, sizeof text);
  *anonymous_bytes = status_bytes(text, "RssAnon:");
  *vm_bytes = status_bytes(text, "VmSize:");
}

double process_minor_faults(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)usage.ru_minflt;
}

uintptr_t process_start_brk(void) {
  char text[1024];
  read_text("/proc/self/stat", text, sizeof text);
  /* The command's name may hold spaces: fields are counted from its closing parenthesis on. */
  const char *at = strrchr(text, ')');
  if (at == NULL) die("/proc/self/stat is not as proc(5) says");
  at += 2;
  for (int field = 3; field < 47; field++) {
    while (*at != ' ' && *at != '\0') at++;
    if (*at == ' ') at++;
  }
  return (uintptr_t)take_number(&at);
}

double resident_bytes(uintptr_t start, uintptr_t end) {
  static unsigned char *vector;
  if (vector == NULL) vector = own_memory(VECTOR_PAGES);
  uint64_t pages = 0;
  start &= ~(PAGE - 1);
  end = (end + PAGE - 1) & ~(PAGE - 1);
  while (start < end) {
    size_t length = end - start < VECTOR_PAGES * PAGE ? end - start : VECTOR_PAGES * PAGE;
    if (mincore((void *)start, length, vector) != 0) die("mincore on a range that is not mapped");
    for (size_t page = 0; page < length / PAGE; page++) pages += vector[page] & 1;
    start += length;
  }
  return (double)(pages * PAGE);
}
