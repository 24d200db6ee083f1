/* Starts the program that is linked into this executable. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "bridge.h"
#include "container-init.h"
#include "machine.h"

extern const char program_text[];
extern const size_t program_length;

enum {
  /* The most memory the JavaScript program may use. */
  MEMORY_CAP = 64 * 1024 * 1024,
  /* Native stack that JS_STACK can use up; found by test, with room to spare. */
  STACK_NEEDED = 8 * 1024 * 1024,
};

/*
 * How much of the JavaScript stack the native stack can bear. A shell may have made it small: ask for more and start again, since
 * the limit only counts from exec on. Where that is refused the JavaScript stack shrinks instead.
 */
static size_t javascript_stack(char **argv) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= STACK_NEEDED) return JS_STACK;
  struct rlimit wanted = {.rlim_cur = STACK_NEEDED, .rlim_max = limit.rlim_max};
  if (wanted.rlim_max != RLIM_INFINITY && wanted.rlim_max < STACK_NEEDED) wanted.rlim_max = STACK_NEEDED;
  if (setrlimit(RLIMIT_STACK, &wanted) == 0) {
    execv("/proc/self/exe", argv);
    setrlimit(RLIMIT_STACK, &limit);
  }
  return JS_STACK / (STACK_NEEDED / 1024) * (limit.rlim_cur / 1024);
}

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* The runtime mounts its own executable as /pantavisor/.init into containers. */
int main(int argc, char **argv) {
  if (argc > 0 && strcmp(base_name(argv[0]), ".init") == 0) return container_init(argc, argv);
  size_t stack = javascript_stack(argv);
  machine_start(MEMORY_CAP);
  bridge_run(program_text, program_length, "pantavisor.js", MEMORY_CAP - 8 * 1024 * 1024, stack);
}
