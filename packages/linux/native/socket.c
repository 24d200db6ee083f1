/* Unix sockets: who is at the other end, and passing descriptors (unix(7)). No call here waits. */
#include "addon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* SCM_MAX_FD of the kernel. */
enum { MOST_DESCRIPTORS = 253, MOST_BYTES = 1 << 20 };

/* peerCredentials(descriptor): { pid, uid, gid } */
static napi_value call_peer(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  int descriptor = args_descriptor(&args, 0, "socket");
  if (args.failed) return NULL;
  struct ucred credentials;
  socklen_t length = sizeof credentials;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0)
    return throw_errno(env, errno, "getsockopt SO_PEERCRED", NULL, NULL);
  napi_value result = value_object(env);
  value_set(env, result, "pid", value_number(env, credentials.pid));
  value_set(env, result, "uid", value_number(env, credentials.uid));
  value_set(env, result, "gid", value_number(env, credentials.gid));
  return result;
}

/* socketPair(): [descriptor, descriptor] */
static napi_value call_pair(napi_env env, napi_callback_info info) {
  (void)info;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return throw_errno(env, errno, "socketpair", NULL, NULL);
  napi_value result = NULL;
  napi_create_array_with_length(env, 2, &result);
  napi_set_element(env, result, 0, value_number(env, ends[0]));
  napi_set_element(env, result, 1, value_number(env, ends[1]));
  return result;
}

/* connectUnix(path): descriptor. A first '@' stands for the NUL of an abstract address. */
static napi_value call_connect(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  char *path = args_string(&args, 0, "path");
  if (args.failed) return NULL;
  napi_value result = NULL;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = strlen(path);
  int descriptor = -1;
  if (length == 0 || length >= sizeof address.sun_path) {
    throw_errno(env, length == 0 ? EINVAL : ENAMETOOLONG, "connect", path, NULL);
  } else {
    memcpy(address.sun_path, path, length);
    if (path[0] == '@') address.sun_path[0] = 0;
    descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (path[0] == '@' ? 0 : 1));
    if (descriptor < 0) throw_errno(env, errno, "socket", path, NULL);
    else if (connect(descriptor, (struct sockaddr *)&address, size) < 0) {
      throw_errno(env, errno, "connect", path, NULL);
      close(descriptor);
    } else {
      result = value_number(env, descriptor);
    }
  }
  free(path);
  return result;
}

union control {
  struct cmsghdr header;
  char space[CMSG_SPACE(sizeof(int) * MOST_DESCRIPTORS)];
};

/* sendDescriptors(socket, bytes, descriptors): number of bytes sent */
static napi_value call_send(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  int socket_descriptor = args_descriptor(&args, 0, "socket");
  size_t length;
  const void *bytes = args_bytes(&args, 1, "bytes", &length);
  int descriptors[MOST_DESCRIPTORS];
  size_t count = args_descriptors(&args, 2, "descriptors", descriptors, MOST_DESCRIPTORS);
  /* A stream socket carries descriptors only along with data. */
  if (length == 0) args_refuse(&args, "bytes", "at least one byte long");
  if (args.failed) return NULL;
  union control control;
  memset(&control, 0, sizeof control);
  struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (count > 0) {
    message.msg_control = control.space;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(header), descriptors, sizeof(int) * count);
  }
  ssize_t sent;
  do sent = sendmsg(socket_descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? throw_errno(env, errno, "sendmsg", NULL, NULL) : value_number(env, (double)sent);
}

static napi_value descriptor_array(napi_env env, struct msghdr *message) {
  napi_value array = NULL;
  uint32_t position = 0;
  napi_create_array(env, &array);
  for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t index = 0; index < count; index += 1) {
      int descriptor;
      memcpy(&descriptor, CMSG_DATA(header) + index * sizeof(int), sizeof descriptor);
      napi_set_element(env, array, position, value_number(env, descriptor));
      position += 1;
    }
  }
  return array;
}

/* receiveDescriptors(socket, mostBytes): { bytes, descriptors, truncated } ; no bytes: the other end has closed */
static napi_value call_receive(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  int socket_descriptor = args_descriptor(&args, 0, "socket");
  size_t most = (size_t)args_integer(&args, 1, "mostBytes", 1, MOST_BYTES);
  if (args.failed) return NULL;
  char *bytes = malloc(most);
  if (!bytes) return throw_errno(env, ENOMEM, "recvmsg", NULL, NULL);
  union control control;
  struct iovec part = {.iov_base = bytes, .iov_len = most};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
  ssize_t received;
  do received = recvmsg(socket_descriptor, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  while (received < 0 && errno == EINTR);
  if (received < 0) {
    int error = errno;
    free(bytes);
    return throw_errno(env, error, "recvmsg", NULL, NULL);
  }
  napi_value result = value_object(env);
  void *data = NULL;
  napi_value buffer = NULL, array = NULL, truncated = NULL;
  napi_create_arraybuffer(env, (size_t)received, &data, &buffer);
  if (received > 0 && data) memcpy(data, bytes, (size_t)received);
  napi_create_typedarray(env, napi_uint8_array, (size_t)received, buffer, 0, &array);
  napi_get_boolean(env, (message.msg_flags & MSG_CTRUNC) != 0, &truncated);
  value_set(env, result, "bytes", array);
  value_set(env, result, "descriptors", descriptor_array(env, &message));
  value_set(env, result, "truncated", truncated);
  free(bytes);
  return result;
}

const struct binding socket_bindings[] = {{"peerCredentials", call_peer}, {"socketPair", call_pair},
                                          {"connectUnix", call_connect},  {"sendDescriptors", call_send},
                                          {"receiveDescriptors", call_receive}, {NULL, NULL}};
