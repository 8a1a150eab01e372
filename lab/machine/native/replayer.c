/*
 * arena-lab native replayer. Own code, C11, built on demand by the TypeScript side:
 *
 *   replayer trace [--plain] [--tcmalloc] [--malloc-info] [--dump-at N]  < binary trace > records
 *   replayer scenario FOLDER                                             > records
 *   replayer bench FOLDER WARM_MS MEASURED_MS [--stubs]                  > records
 *   replayer version                                                     > glibc's version
 */
#define _GNU_SOURCE
#include <gnu/libc-version.h>
#include <sched.h>
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

int main(int count, char **arguments) {
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  out_open(1);
  if (count >= 2 && strcmp(arguments[1], "version") == 0) {
    const char *version = gnu_get_libc_version();
    out_bytes(version, strlen(version));
    out_flush();
    return 0;
  }
  if (count == 3 && strcmp(arguments[1], "scenario") == 0) return run_scenario(arguments[2]);
  if (count >= 5 && strcmp(arguments[1], "bench") == 0)
    return run_bench(arguments[2], strtol(arguments[3], NULL, 10), strtol(arguments[4], NULL, 10),
                     count == 6 && strcmp(arguments[5], "--stubs") == 0);
  if (count < 2 || strcmp(arguments[1], "trace") != 0)
    die("usage: replayer trace | scenario FOLDER | bench FOLDER WARM_MS MEASURED_MS | version");
  struct options options = {.aligned = 1, .dump_at = -1};
  for (int i = 2; i < count; i++) {
    if (strcmp(arguments[i], "--plain") == 0)
      options.aligned = 0;
    else if (strcmp(arguments[i], "--tcmalloc") == 0)
      options.tcmalloc = 1;
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
