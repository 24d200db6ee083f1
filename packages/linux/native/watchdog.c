/* The machine's watchdog (Documentation/watchdog/watchdog-api.rst of the kernel). Its ioctls do not wait. */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Sets the time-out, asks for what the driver made of it, and feeds once. Returns the seconds, or -1 with errno. */
static int prepare(int descriptor, int seconds) {
  if (ioctl(descriptor, WDIOC_SETTIMEOUT, &seconds) < 0 && errno != EOPNOTSUPP) return -1;
  if (ioctl(descriptor, WDIOC_GETTIMEOUT, &seconds) < 0 && errno != EOPNOTSUPP) return -1;
  return ioctl(descriptor, WDIOC_KEEPALIVE, 0) < 0 ? -1 : seconds;
}

/* openWatchdog(path, seconds): { descriptor, seconds }; the timer runs from here on */
static napi_value call_open(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  char *path = args_string(&args, 0, "path");
  int seconds = (int)args_integer(&args, 1, "seconds", 1, INT32_MAX);
  napi_value result = NULL;
  if (!args.failed) {
    const char *syscall = "open";
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    int granted = -1;
    if (descriptor >= 0) {
      syscall = "ioctl WDIOC_KEEPALIVE";
      granted = prepare(descriptor, seconds);
    }
    if (granted < 0) {
      int error = errno;
      if (descriptor >= 0) close(descriptor);
      result = throw_errno(env, error, syscall, path, NULL);
    } else {
      result = value_object(env);
      value_set(env, result, "descriptor", value_number(env, descriptor));
      value_set(env, result, "seconds", value_number(env, granted));
    }
  }
  free(path);
  return result;
}

/* feedWatchdog(descriptor): void */
static napi_value call_feed(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  int descriptor = args_descriptor(&args, 0, "watchdog");
  if (args.failed) return NULL;
  if (ioctl(descriptor, WDIOC_KEEPALIVE, 0) < 0) return throw_errno(env, errno, "ioctl WDIOC_KEEPALIVE", NULL, NULL);
  return value_undefined(env);
}

const struct binding watchdog_bindings[] = {{"openWatchdog", call_open}, {"feedWatchdog", call_feed}, {NULL, NULL}};
