/* Starts one of the programs that are linked into this executable, chosen by the name it is called by. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "bridge.h"
#include "container-init.h"
#include "init.h"
#include "machine.h"

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

static const struct program *program_of(const char *name) {
  const struct program *program = programs;
  for (size_t length = strlen(name); program[1].file; program += 1)
    for (const char *found = program->names; length > 0 && (found = strstr(found, name)); found += length)
      if (found > program->names && found[-1] == ' ' && found[length] == ' ') return program;
  return program;
}

/* The runtime mounts its own executable as /pantavisor/.init into containers. */
int main(int argc, char **argv) {
  const char *name = argc > 0 ? base_name(argv[0]) : "";
  if (strcmp(name, ".init") == 0) return container_init(argc, argv);
  if (init_is_wanted(argc, argv)) init_run("/proc/self/exe", argv);
  size_t stack = javascript_stack(argv);
  machine_start(MEMORY_CAP);
  bridge_run(program_of(name), MEMORY_CAP - 8 * 1024 * 1024, stack);
}
