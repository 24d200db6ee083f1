/* The machine as a whole: its name, and its end. */
#include "addon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

/* setHostname(name): void */
static napi_value call_hostname(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  char *name = args_string(&args, 0, "name");
  if (args.failed) return NULL;
  int result = sethostname(name, strlen(name));
  int error = errno;
  free(name);
  return result < 0 ? throw_errno(env, error, "sethostname", NULL, NULL) : value_undefined(env);
}

/* reboot(command): void; syncs first, which reboot(2) does not */
static napi_value call_reboot(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  unsigned command = (unsigned)args_integer(&args, 0, "command", 0, UINT32_MAX);
  if (args.failed) return NULL;
  sync();
  return reboot((int)command) < 0 ? throw_errno(env, errno, "reboot", NULL, NULL) : value_undefined(env);
}

const struct binding machine_bindings[] = {{"setHostname", call_hostname}, {"reboot", call_reboot}, {NULL, NULL}};
