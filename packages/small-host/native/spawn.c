/*
 * Starting a program: the one thing that cannot be done by system calls from JavaScript, since between fork and exec only
 * C may run. The child shares the parent's memory until it has become the program (CLONE_VFORK), so it costs no copy.
 *
 * Request in the window, 32-bit little-endian words from the given offset:
 *   count of arguments, count of environment entries, descriptor for 0, 1 and 2 (-1: /dev/null), flags (1: new session), offset of the directory or 0,
 *   offset of the program or 0 for the first argument,
 * then for each argument and each environment entry the offset of its NUL-terminated text.
 * The result is the pid, or the negative errno of fork or exec.
 */
#define _GNU_SOURCE
#include "spawn.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HEADER = 8, MAX_WORDS = 1024, NEW_SESSION = 1 };

static int32_t word(struct window window, size_t offset, size_t index) {
  int32_t value;
  memcpy(&value, window.bytes + offset + 4 * index, 4);
  return value;
}

/* Only functions that are safe in a child that shares memory: system calls. */
_Noreturn static void become(struct window window, size_t offset, char **arguments, char **environment, volatile int *error) {
  int descriptors[3];
  sigset_t none;
  sigemptyset(&none);
  for (int number = 1; number < 65; number += 1)
    if (number != SIGKILL && number != SIGSTOP) signal(number, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, NULL);
  if (word(window, offset, 5) & NEW_SESSION) setsid();
  for (int target = 0; target < 3; target += 1) {
    int source = word(window, offset, 2 + (size_t)target);
    if (source < 0) source = open("/dev/null", target == 0 ? O_RDONLY : O_WRONLY);
    /* Out of the way of 0 to 2 first, so that one target does not overwrite the source of another. */
    descriptors[target] = fcntl(source, F_DUPFD, 3);
    if (descriptors[target] < 0) goto failed;
  }
  for (int target = 0; target < 3; target += 1) {
    if (dup2(descriptors[target], target) < 0) goto failed;
    close(descriptors[target]);
  }
  int32_t directory = word(window, offset, 6);
  if (directory != 0 && chdir((char *)window.bytes + directory) != 0) goto failed;
  int32_t program = word(window, offset, 7);
  execvpe(program ? (char *)window.bytes + program : arguments[0], arguments, environment);
failed:
  *error = errno;
  _exit(127);
}

double door_spawn(struct window window, const double *arguments) {
  static char *texts[MAX_WORDS + 2];
  size_t offset = (size_t)arguments[0];
  if (arguments[0] < 0 || offset + 4 * HEADER > window.size) return -EINVAL;
  int32_t count = word(window, offset, 0), variables = word(window, offset, 1);
  if (count < 1 || variables < 0 || count + variables > MAX_WORDS) return -E2BIG;
  if (offset + 4 * (size_t)(HEADER + count + variables) > window.size) return -EINVAL;
  for (int32_t index = 0; index < count + variables; index += 1) {
    int32_t text = word(window, offset, HEADER + (size_t)index);
    if (text < 0 || (size_t)text >= window.size) return -EINVAL;
    texts[index + (index >= count)] = (char *)window.bytes + text;
  }
  texts[count] = NULL;
  texts[count + 1 + variables] = NULL;

  volatile int error = 0;
  pid_t pid = vfork();
  if (pid < 0) return -(double)errno;
  if (pid == 0) become(window, offset, texts, texts + count + 1, &error);
  if (error != 0) {
    waitpid(pid, NULL, 0);
    return -(double)error;
  }
  return pid;
}
