/* Bridges and addresses of network interfaces by the classic ioctls (netdevice(7)); they do not wait. */
#include "addon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Does one step on a throw-away socket; errno tells why it failed. */
static napi_value on_socket(struct args *args, const char *syscall, char *name,
                            int (*step)(int socket, const char *name, struct args *args)) {
  napi_value result = NULL;
  if (!args->failed) {
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int status = -1;
    if (descriptor < 0) syscall = "socket";
    else status = step(descriptor, name, args);
    int error = errno;
    if (descriptor >= 0) close(descriptor);
    if (!args->failed) result = status < 0 ? throw_errno(args->env, error, syscall, name, NULL) : value_undefined(args->env);
  }
  free(name);
  return result;
}

static char *interface_name(struct args *args) {
  char *name = args_string(args, 0, "interface");
  if (name && (name[0] == 0 || strlen(name) >= IFNAMSIZ)) {
    free(name);
    args_refuse(args, "interface", "an interface name of 1 to 15 bytes");
    return NULL;
  }
  return name;
}

static struct ifreq request_for(const char *name) {
  struct ifreq request;
  memset(&request, 0, sizeof request);
  memcpy(request.ifr_name, name, strlen(name));
  return request;
}

static int step_add(int socket, const char *name, struct args *args) {
  (void)args;
  return ioctl(socket, SIOCBRADDBR, name);
}

static int step_delete(int socket, const char *name, struct args *args) {
  (void)args;
  return ioctl(socket, SIOCBRDELBR, name);
}

static int step_up(int socket, const char *name, struct args *args) {
  bool up = args_boolean(args, 1, "up");
  if (args->failed) return -1;
  struct ifreq request = request_for(name);
  if (ioctl(socket, SIOCGIFFLAGS, &request) < 0) return -1;
  short flags = (short)(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
  if (flags == request.ifr_flags) return 0;
  request.ifr_flags = flags;
  return ioctl(socket, SIOCSIFFLAGS, &request);
}

static int step_address(int socket, const char *name, struct args *args) {
  char *text = args_string(args, 1, "address");
  int prefix = (int)args_integer(args, 2, "prefixLength", 0, 32);
  struct in_addr address = {0};
  if (text && inet_pton(AF_INET, text, &address) != 1) args_refuse(args, "address", "an IPv4 address");
  free(text);
  if (args->failed) return -1;
  struct ifreq request = request_for(name);
  struct sockaddr_in value = {.sin_family = AF_INET, .sin_addr = address};
  memcpy(&request.ifr_addr, &value, sizeof value);
  if (ioctl(socket, SIOCSIFADDR, &request) < 0) return -1;
  value.sin_addr.s_addr = prefix == 0 ? 0 : htonl(UINT32_MAX << (32 - prefix));
  memcpy(&request.ifr_netmask, &value, sizeof value);
  return ioctl(socket, SIOCSIFNETMASK, &request);
}

/* addBridge(name): void */
static napi_value call_add(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  return on_socket(&args, "ioctl SIOCBRADDBR", interface_name(&args), step_add);
}

/* deleteBridge(name): void; it must be down */
static napi_value call_delete(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  return on_socket(&args, "ioctl SIOCBRDELBR", interface_name(&args), step_delete);
}

/* setInterfaceUp(name, up): void */
static napi_value call_up(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  return on_socket(&args, "ioctl SIOCSIFFLAGS", interface_name(&args), step_up);
}

/* setInterfaceAddress(name, address, prefixLength): void; replaces the first IPv4 address */
static napi_value call_address(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  return on_socket(&args, "ioctl SIOCSIFADDR", interface_name(&args), step_address);
}

const struct binding network_bindings[] = {{"addBridge", call_add},
                                           {"deleteBridge", call_delete},
                                           {"setInterfaceUp", call_up},
                                           {"setInterfaceAddress", call_address},
                                           {NULL, NULL}};
