/* What connects processes with other roots: files found below a root, sockets made and met there under another user. No call here waits. */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

/* openBelow(root, path, flags): descriptor */
static napi_value call_open(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  int root = args_descriptor(&args, 0, "root");
  char *path = args_string(&args, 1, "path");
  struct open_how how = {.flags = (uint64_t)args_integer(&args, 2, "flags", 0, INT32_MAX) | O_CLOEXEC,
                         .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
  napi_value result = NULL;
  if (!args.failed) {
    long descriptor = syscall(SYS_openat2, root, path, &how, sizeof how);
    result = descriptor < 0 ? throw_errno(env, errno, "openat2", path, NULL) : value_number(env, (double)descriptor);
  }
  free(path);
  return result;
}

/* A non-blocking socket and the address that it is meant for; -1 with an exception. */
static int unix_socket(napi_env env, const char *doing, const char *path, struct sockaddr_un *address) {
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address->sun_path) {
    throw_errno(env, ENAMETOOLONG, doing, path, NULL);
    return -1;
  }
  strcpy(address->sun_path, path);
  int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) throw_errno(env, errno, "socket", path, NULL);
  return descriptor;
}

/* listenUnix(path, mode): descriptor of a non-blocking socket, made where nothing is. */
static napi_value call_listen(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  char *path = args_string(&args, 0, "path");
  mode_t mode = (mode_t)args_integer(&args, 1, "mode", 0, 0777);
  napi_value result = NULL;
  struct sockaddr_un address;
  if (args.failed) goto done;
  int descriptor = unix_socket(env, "bind", path, &address);
  if (descriptor < 0) goto done;
  /* Through the umask: a mode set afterwards by name could reach something else. */
  mode_t before = umask(0777 & ~mode);
  int refused = bind(descriptor, (struct sockaddr *)&address, sizeof address);
  int error = errno;
  umask(before);
  if (!refused && (refused = listen(descriptor, SOMAXCONN))) error = errno;
  if (refused) {
    close(descriptor);
    throw_errno(env, error, "bind", path, NULL);
  } else {
    result = value_number(env, descriptor);
  }
done:
  free(path);
  return result;
}

/* acceptUnix(listener): descriptor, non-blocking */
static napi_value call_accept(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  int listener = args_descriptor(&args, 0, "listener");
  if (args.failed) return NULL;
  int descriptor = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  return descriptor < 0 ? throw_errno(env, errno, "accept", NULL, NULL) : value_number(env, descriptor);
}

/*
 * connectAs(path, user): descriptor, non-blocking. The system call itself changes the user of this thread only, which C libraries hide;
 * the user that the kernel sees here is what the server is told for ever.
 */
static napi_value call_connect(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  char *path = args_string(&args, 0, "path");
  uid_t user = (uid_t)args_integer(&args, 1, "user", 0, UINT32_MAX - 1);
  napi_value result = NULL;
  struct sockaddr_un address;
  if (args.failed) goto done;
  int descriptor = unix_socket(env, "connect", path, &address);
  if (descriptor < 0) goto done;
  int refused = user == 0 ? 0 : (int)syscall(SYS_setresuid, user, user, 0);
  if (!refused) refused = connect(descriptor, (struct sockaddr *)&address, sizeof address);
  int error = errno;
  if (user != 0 && syscall(SYS_setresuid, 0, 0, 0) != 0) {
    perror("pv-xconnect: cannot be root again");
    _exit(1);
  }
  if (refused) {
    close(descriptor);
    throw_errno(env, error, "connect", path, NULL);
  } else {
    result = value_number(env, descriptor);
  }
done:
  free(path);
  return result;
}

/* finishSocket(socket): the other end reads the end of the stream. */
static napi_value call_finish(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  int descriptor = args_descriptor(&args, 0, "socket");
  if (args.failed) return NULL;
  if (shutdown(descriptor, SHUT_WR) < 0 && errno != ENOTCONN) return throw_errno(env, errno, "shutdown", NULL, NULL);
  return value_undefined(env);
}

/* copyDevice(device, path): makes a node with the device number, mode and owner of an open one. */
static napi_value call_copy(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  int device = args_descriptor(&args, 0, "device");
  char *path = args_string(&args, 1, "path");
  napi_value result = NULL;
  struct stat status;
  if (args.failed) goto done;
  int refused = fstat(device, &status);
  if (!refused) {
    mode_t before = umask(0);
    refused = mknod(path, status.st_mode & (S_IFMT | 0777), status.st_rdev);
    int error = errno;
    umask(before);
    errno = error;
  }
  if (!refused) refused = lchown(path, status.st_uid, status.st_gid);
  result = refused ? throw_errno(env, errno, "mknod", path, NULL) : value_undefined(env);
done:
  free(path);
  return result;
}

const struct binding mesh_bindings[] = {{"openBelow", call_open},       {"listenUnix", call_listen},
                                        {"acceptUnix", call_accept},    {"connectAs", call_connect},
                                        {"finishSocket", call_finish},  {"copyDevice", call_copy},
                                        {NULL, NULL}};
