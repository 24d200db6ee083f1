/* Whether the first process of a pid namespace is an init at all: in an application container the runtime is PID 1, too. */
#define _GNU_SOURCE
#include "init.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char app_engine[] = "appengine";

static int mode_is(const char *value) { return value && strncmp(value, app_engine, strlen(app_engine)) == 0; }

/* The mode that the configuration file gives, under its present and its old name (config.md §9). */
static int configured_as_app_engine(const char *path) {
  static const char *const names[] = {"PV_SYSTEM_INIT_MODE=", "system.init.mode="};
  char line[256];
  int found = 0;
  FILE *file = fopen(path, "re");
  if (!file) return 0;
  while (fgets(line, sizeof line, file))
    for (size_t index = 0; index < sizeof names / sizeof *names; index += 1)
      if (strncasecmp(line, names[index], strlen(names[index])) == 0) found = mode_is(line + strlen(names[index]));
  fclose(file);
  return found;
}

int init_is_wanted(int argc, char **argv) {
  if (getpid() != 1) return 0;
  const char *path = "/etc/pantavisor.config";
  for (int index = 1; index < argc; index += 1) {
    if (strcmp(argv[index], "pv_appengine") == 0 || strcmp(argv[index], "--version") == 0 || strcmp(argv[index], "--help") == 0) return 0;
    if (strcmp(argv[index], "--storage") == 0 || strncmp(argv[index], "--storage=", 10) == 0) return 0;
    if (strcmp(argv[index], "--config") == 0 && index + 1 < argc) path = argv[index + 1];
  }
  const char *mode = getenv("PV_SYSTEM_INIT_MODE");
  return mode ? !mode_is(mode) : !configured_as_app_engine(path);
}
