/*
 * arena-lab native replayer. Own code, C11, built on demand by the TypeScript side:
 *
 *   replayer trace [--plain] [--tcmalloc] [--malloc-info] [--dump-at N]  < binary trace > records
 *   replayer trace --tcmalloc --heap-tries N: as --tcmalloc, see start_on_boundary
 *   replayer scenario FOLDER                                             > records
 *   replayer bench FOLDER WARM_MS MEASURED_MS [--stubs]                  > records
 *   replayer version | tcmalloc-version                                  > the real one's
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "replayer.h"

/* One CPU: a hand-over of the baton is then a plain context switch, without waking another CPU. */
static void stay_on_one_cpu(void) {
  cpu_set_t set;
  int cpu = sched_getcpu();
  CPU_ZERO(&set);
  CPU_SET(cpu < 0 ? 0 : cpu, &set);
  sched_setaffinity(0, sizeof set, &set);
}

static const char *tcmalloc_version(void) {
  typedef const char *version_function(int *major, int *minor, const char **patch);
  version_function *version = (version_function *)dlsym(RTLD_DEFAULT, "tc_version");
  if (version == NULL) die("the preloaded library is not tcmalloc");
  static char text[32];
  int major, minor;
  version(&major, &minor, NULL);
  snprintf(text, sizeof text, "%d.%d", major, minor);
  return text;
}

/*
 * A memalign beyond tcmalloc's page depends on where the heap starts, and only the kernel may say
 * where: the break must not be moved. So the program starts itself anew until the heap happens to
 * start at a multiple of HEAP_BOUNDARY (one start in eight does).
 */
static void start_on_boundary(char **arguments, int tries_at) {
  uintptr_t start = (process_start_brk() + TCMALLOC_PAGE - 1) & ~(TCMALLOC_PAGE - 1);
  if (start % HEAP_BOUNDARY == 0) return;
  long tries = strtol(arguments[tries_at], NULL, 10);
  if (tries == 0)
    die("the kernel never starts the heap at a multiple of 64 KiB: is randomization off?");
  static char left[24];
  snprintf(left, sizeof left, "%ld", tries - 1);
  arguments[tries_at] = left;
  execv("/proc/self/exe", arguments);
  die("cannot start anew");
}

static int tell(const char *text) {
  out_bytes(text, strlen(text));
  out_flush();
  return 0;
}

int main(int count, char **arguments) {
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  /* Nobody reads what we say once our parent has died. */
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  out_open(1);
  const char *command = count >= 2 ? arguments[1] : "";
  if (strcmp(command, "version") == 0) return tell(gnu_get_libc_version());
  if (strcmp(command, "tcmalloc-version") == 0) return tell(tcmalloc_version());
  if (count == 3 && strcmp(command, "scenario") == 0) return run_scenario(arguments[2]);
  if (count >= 5 && strcmp(command, "bench") == 0)
    return run_bench(arguments[2], strtol(arguments[3], NULL, 10), strtol(arguments[4], NULL, 10),
                     count == 6 && strcmp(arguments[5], "--stubs") == 0);
  if (strcmp(command, "trace") != 0)
    die("usage: replayer trace | scenario FOLDER | bench FOLDER WARM_MS MEASURED_MS | version | "
        "tcmalloc-version");
  struct options options = {.aligned = 1, .dump_at = -1};
  for (int i = 2; i < count; i++) {
    if (strcmp(arguments[i], "--plain") == 0)
      options.aligned = 0;
    else if (strcmp(arguments[i], "--tcmalloc") == 0)
      options.tcmalloc = 1;
    else if (strcmp(arguments[i], "--heap-tries") == 0 && i + 1 < count)
      start_on_boundary(arguments, ++i);
    else if (strcmp(arguments[i], "--malloc-info") == 0)
      options.malloc_info = 1;
    else if (strcmp(arguments[i], "--dump-at") == 0 && i + 1 < count)
      options.dump_at = strtol(arguments[++i], NULL, 10);
    else
      die("unknown option");
  }
  stay_on_one_cpu();
  return replay_trace(&options);
}
