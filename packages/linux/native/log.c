/* What a log server needs: datagram sockets to receive on, files found inside a foreign root, taking away what was read. */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* bindDatagrams(path, mode): descriptor of a non-blocking socket, made at a path where nothing is. */
static napi_value call_bind(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  char *path = args_string(&args, 0, "path");
  mode_t mode = (mode_t)args_integer(&args, 1, "mode", 0, 0777);
  napi_value result = NULL;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (args.failed) goto done;
  size_t length = strlen(path);
  if (length == 0 || length >= sizeof address.sun_path) {
    throw_errno(env, length == 0 ? EINVAL : ENAMETOOLONG, "bind", path, NULL);
    goto done;
  }
  memcpy(address.sun_path, path, length);
  int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) {
    throw_errno(env, errno, "socket", path, NULL);
    goto done;
  }
  /* The mode of the descriptor becomes that of the file, less the umask: it never exists with more permissions than asked for. */
  mode_t before = umask(0777 & ~mode);
  int refused = bind(descriptor, (struct sockaddr *)&address, sizeof address);
  int error = errno;
  umask(before);
  if (refused < 0) {
    close(descriptor);
    throw_errno(env, error, "bind", path, NULL);
    goto done;
  }
  result = value_number(env, descriptor);
done:
  free(path);
  return result;
}

/* shutdownSocket(descriptor): ends both directions, so that whoever waits for it wakes up. */
static napi_value call_shutdown(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  int descriptor = args_descriptor(&args, 0, "socket");
  if (args.failed) return NULL;
  if (shutdown(descriptor, SHUT_RDWR) < 0 && errno != ENOTCONN) return throw_errno(env, errno, "shutdown", NULL, NULL);
  return value_undefined(env);
}

/* A path may lead to a disk, and the look at it may wait for that. */
static int run_open(struct operation *operation) {
  struct open_how how = {.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
  how.flags = (uint64_t)operation->number[0] | O_CLOEXEC;
  /* openat2 refuses what means nothing for O_PATH. */
  if (!(how.flags & O_PATH)) how.flags |= O_NOCTTY | O_NONBLOCK;
  int base = open(operation->text[0], O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (base < 0) return -1;
  operation->syscall = "openat2";
  operation->path = operation->text[1];
  long descriptor = syscall(SYS_openat2, base, operation->text[1], &how, sizeof how);
  int error = errno;
  close(base);
  errno = error;
  operation->result[0] = descriptor;
  return (int)descriptor;
}

static napi_value deliver_descriptor(napi_env env, struct operation *operation) {
  return value_number(env, (double)operation->result[0]);
}

/* openInRoot(root, path, flags): Promise<descriptor>. Symbolic links and `..` cannot lead out of the root (openat2, RESOLVE_IN_ROOT). */
static napi_value call_open(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  struct operation *operation = operation_new(run_open, "open");
  operation->deliver = deliver_descriptor;
  operation->path = operation->text[0] = args_string(&args, 0, "root");
  operation->text[1] = args_string(&args, 1, "path");
  operation->number[0] = args_integer(&args, 2, "flags", 0, INT32_MAX);
  return operation_start(&args, operation);
}

const struct binding log_bindings[] = {
    {"bindDatagrams", call_bind}, {"shutdownSocket", call_shutdown}, {"openInRoot", call_open}, {NULL, NULL}};
