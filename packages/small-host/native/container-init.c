/*
 * The first program of a container; becomes the container's own init.
 *
 *   container-init [-l TARGET] TYPE PROGRAM [ARGUMENT…]
 *
 * LXC splits lxc.init.cmd at blanks and knows no quotes, and it sets container=lxc for init whatever the configuration says. So the
 * runtime names this program in front of the real init: words have %XX for every byte that could not stand there, a lone % means an
 * empty argument, and TYPE becomes the value of the variable `container`. With -l, /dev/log becomes a symbolic link to TARGET before,
 * unless there is one already. The small host is its own container-init, by its name.
 */
#define _GNU_SOURCE
#include "container-init.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int digit_of(char hex) {
  if (hex >= '0' && hex <= '9') return hex - '0';
  if (hex >= 'A' && hex <= 'F') return hex - 'A' + 10;
  if (hex >= 'a' && hex <= 'f') return hex - 'a' + 10;
  return -1;
}

static void decode(char *text) {
  char *to = text;
  if (strcmp(text, "%") == 0) *text = 0;
  for (const char *from = text; *from; from += 1) {
    int high = *from == '%' ? digit_of(from[1]) : -1;
    int low = high >= 0 ? digit_of(from[2]) : -1;
    if (low >= 0) from += 2;
    *to++ = low >= 0 ? (char)(high * 16 + low) : *from;
  }
  *to = 0;
}

int container_init(int argc, char **argv) {
  int links = argc > 2 && strcmp(argv[1], "-l") == 0;
  if (argc < (links ? 5 : 3)) {
    fputs("usage: container-init [-l TARGET] TYPE PROGRAM [ARGUMENT...]\n", stderr);
    return 64;
  }
  for (int index = 1; index < argc; index += 1) decode(argv[index]);
  if (links) {
    if (symlink(argv[2], "/dev/log") != 0) errno = 0;
    argv += 2;
  }
  if (setenv("container", argv[1], 1) != 0) return 126;
  if (!getenv("PATH")) setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
  execvp(argv[2], argv + 2);
  int error = errno;
  fprintf(stderr, "container-init: cannot run %s: %s\n", argv[2], strerror(error));
  return error == ENOENT || error == ENOTDIR ? 127 : 126;
}
