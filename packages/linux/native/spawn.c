/*
 * Starting a program without the cost of fork: posix_spawn shares memory until exec, while fork copies the page tables of the whole
 * JavaScript heap (some milliseconds each). The child is libuv's to ignore: whoever spawns it waits for its descriptor and reaps it.
 */
#include "addon.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_STRINGS = 1 << 16 };

static void free_strings(char **strings) {
  if (!strings) return;
  for (char **string = strings; *string; string += 1) free(*string);
  free(strings);
}

/* A NULL-terminated copy of an array of strings; NULL when wrong. */
static char **args_strings(struct args *args, size_t index, const char *name) {
  bool array = false;
  uint32_t count = 0;
  if (!args->failed && napi_is_array(args->env, args->values[index], &array) == napi_ok && array)
    napi_get_array_length(args->env, args->values[index], &count);
  if (!array || count > MOST_STRINGS) {
    args_refuse(args, name, "an array of strings");
    return NULL;
  }
  char **strings = calloc(count + 1, sizeof *strings);
  if (!strings) abort();
  for (uint32_t position = 0; position < count && !args->failed; position += 1) {
    struct args element = {.env = args->env, .count = 1};
    if (napi_get_element(args->env, args->values[index], position, &element.values[0]) != napi_ok) element.failed = true;
    strings[position] = args_string(&element, 0, name);
    args->failed = element.failed;
  }
  if (!args->failed) return strings;
  free_strings(strings);
  return NULL;
}

static int spawn(pid_t *pid, const char *program, char **argv, char **environment, const int *descriptors) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  /* dup2 of a descriptor onto itself clears close-on-exec there, as it must. */
  for (int target = 0; target < 3; target += 1) {
    if (descriptors[target] < 0)
      posix_spawn_file_actions_addopen(&actions, target, "/dev/null", target == 0 ? 0 /* O_RDONLY */ : 1 /* O_WRONLY */, 0);
    else
      posix_spawn_file_actions_adddup2(&actions, descriptors[target], target);
  }
  /* Whoever started this process may have left descriptors in it that are not close-on-exec. */
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  int error = posix_spawn(pid, program, &actions, &attributes, argv, environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

/* spawnProcess(program, argv, environment, stdin, stdout, stderr): { pid, descriptor }; -1 for /dev/null, else 3 or more */
static napi_value call_spawn(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  char *program = args_string(&args, 0, "program");
  char **argv = args_strings(&args, 1, "argv");
  char **environment = args_strings(&args, 2, "environment");
  int descriptors[3];
  for (size_t index = 0; index < 3; index += 1) {
    descriptors[index] = (int)args_integer(&args, 3 + index, "stdio", -1, INT32_MAX);
    /* An own 0, 1 or 2 could be overwritten before it is copied. */
    if (descriptors[index] >= 0 && descriptors[index] < 3) args_refuse(&args, "stdio", "-1 or a descriptor from 3 on");
  }
  napi_value result = NULL;
  pid_t pid;
  if (!args.failed) {
    int error = spawn(&pid, program, argv, environment, descriptors);
    if (error) {
      throw_errno(env, error, "posix_spawn", program, NULL);
    } else {
      /* Nobody has reaped the child, so the number is still its own. */
      int descriptor = (int)syscall(SYS_pidfd_open, pid, 0);
      if (descriptor < 0) {
        error = errno;
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        throw_errno(env, error, "pidfd_open", program, NULL);
      } else {
        result = value_object(env);
        value_set(env, result, "pid", value_number(env, pid));
        value_set(env, result, "descriptor", value_number(env, descriptor));
      }
    }
  }
  free(program);
  free_strings(argv);
  free_strings(environment);
  return result;
}

const struct binding spawn_bindings[] = {{"spawnProcess", call_spawn}, {NULL, NULL}};
