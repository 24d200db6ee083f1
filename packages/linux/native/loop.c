/* Loop devices (loop(4)): the next free one, set up in one step with LOOP_CONFIGURE (Linux 5.8). */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { READ_ONLY = 1, AUTOCLEAR = 2, ATTEMPTS = 64 };

/* Without devtmpfs nobody makes the node of a device that LOOP_CTL_GET_FREE has just added. */
static int make_node(const char *device, int number) {
  char path[64];
  snprintf(path, sizeof path, "/sys/block/loop%d/dev", number);
  FILE *file = fopen(path, "re");
  if (!file) return -1;
  unsigned major_number, minor_number;
  int fields = fscanf(file, "%u:%u", &major_number, &minor_number);
  fclose(file);
  if (fields != 2) {
    errno = ENODEV;
    return -1;
  }
  if (mknod(device, S_IFBLK | 0660, makedev(major_number, minor_number)) < 0 && errno != EEXIST) return -1;
  return 0;
}

static int open_device(const char *device, int number, int access) {
  int descriptor = open(device, access | O_CLOEXEC);
  if (descriptor < 0 && errno == ENOENT && make_node(device, number) == 0) descriptor = open(device, access | O_CLOEXEC);
  return descriptor;
}

/* Another process may take the free device before we configure it (EBUSY), or remove it (ENXIO): then the next one is tried. */
static int attach(struct operation *operation, int control, const struct loop_config *config, int access) {
  for (int attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    operation->syscall = "ioctl LOOP_CTL_GET_FREE";
    int number = ioctl(control, LOOP_CTL_GET_FREE);
    if (number < 0) return -1;
    snprintf(operation->result_text, sizeof operation->result_text, "/dev/loop%d", number);
    operation->dest = operation->result_text;
    operation->syscall = "open";
    int descriptor = open_device(operation->result_text, number, access);
    if (descriptor < 0) return -1;
    operation->syscall = "ioctl LOOP_CONFIGURE";
    if (ioctl(descriptor, LOOP_CONFIGURE, config) == 0) {
      operation->result[0] = descriptor;
      return 0;
    }
    int error = errno;
    close(descriptor);
    errno = error;
    if (error != EBUSY && error != ENXIO) return -1;
  }
  return -1;
}

static int run_attach(struct operation *operation) {
  int access = operation->number[0] & READ_ONLY ? O_RDONLY : O_RDWR;
  operation->syscall = "open";
  int image = open(operation->text[0], access | O_CLOEXEC);
  if (image < 0) return -1;
  struct loop_config config = {.fd = (unsigned)image};
  config.info.lo_offset = (unsigned long long)operation->number[1];
  config.info.lo_sizelimit = (unsigned long long)operation->number[2];
  if (operation->number[0] & READ_ONLY) config.info.lo_flags |= LO_FLAGS_READ_ONLY;
  if (operation->number[0] & AUTOCLEAR) config.info.lo_flags |= LO_FLAGS_AUTOCLEAR;
  strncpy((char *)config.info.lo_file_name, operation->text[0], LO_NAME_SIZE - 1);
  operation->path = "/dev/loop-control";
  int control = open(operation->path, O_RDWR | O_CLOEXEC);
  int result = -1;
  if (control >= 0) {
    operation->path = operation->text[0];
    result = attach(operation, control, &config, access);
  }
  int error = errno;
  if (control >= 0) close(control);
  close(image);
  errno = error;
  return result;
}

static napi_value deliver_device(napi_env env, struct operation *operation) {
  napi_value result = value_object(env);
  value_set(env, result, "device", value_string(env, operation->result_text));
  value_set(env, result, "descriptor", value_number(env, (double)operation->result[0]));
  return result;
}

/* attachLoop(image, flags, offset, sizeLimit): Promise<{ device, descriptor }> */
static napi_value call_attach(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  struct operation *operation = operation_new(run_attach, "open");
  operation->deliver = deliver_device;
  operation->path = operation->text[0] = args_string(&args, 0, "image");
  operation->number[0] = args_integer(&args, 1, "flags", 0, READ_ONLY | AUTOCLEAR);
  operation->number[1] = args_integer(&args, 2, "offset", 0, INT64_C(1) << 52);
  operation->number[2] = args_integer(&args, 3, "sizeLimit", 0, INT64_C(1) << 52);
  return operation_start(&args, operation);
}

static int run_detach(struct operation *operation) {
  int descriptor = open(operation->text[0], O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return -1;
  operation->syscall = "ioctl LOOP_CLR_FD";
  int result = ioctl(descriptor, LOOP_CLR_FD, 0);
  int error = errno;
  close(descriptor);
  errno = error;
  return result;
}

/* detachLoop(device): Promise<void> */
static napi_value call_detach(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  struct operation *operation = operation_new(run_detach, "open");
  operation->path = operation->text[0] = args_string(&args, 0, "device");
  return operation_start(&args, operation);
}

const struct binding loop_bindings[] = {{"attachLoop", call_attach}, {"detachLoop", call_detach}, {NULL, NULL}};
