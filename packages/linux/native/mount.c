/* mount(2), umount2(2), open_tree(2), move_mount(2). */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

static int run_mount(struct operation *operation) {
  return mount(operation->text[0], operation->text[1], operation->text[2], (unsigned long)operation->number[0],
               operation->text[3]);
}

/* mount(source, target, type | undefined, flags, data | undefined): Promise<void> */
static napi_value call_mount(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  struct operation *operation = operation_new(run_mount, "mount");
  operation->path = operation->text[0] = args_string(&args, 0, "source");
  operation->dest = operation->text[1] = args_string(&args, 1, "target");
  operation->text[2] = args_optional_string(&args, 2, "type");
  operation->number[0] = args_integer(&args, 3, "flags", 0, UINT32_MAX);
  operation->text[3] = args_optional_string(&args, 4, "data");
  return operation_start(&args, operation);
}

static int run_unmount(struct operation *operation) {
  return umount2(operation->text[0], (int)operation->number[0]);
}

/* unmount(target, flags): Promise<void> */
static napi_value call_unmount(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  struct operation *operation = operation_new(run_unmount, "umount2");
  operation->path = operation->text[0] = args_string(&args, 0, "target");
  operation->number[0] = args_integer(&args, 1, "flags", 0, INT32_MAX);
  return operation_start(&args, operation);
}

static int run_open_tree(struct operation *operation) {
  operation->result[0] = syscall(SYS_open_tree, AT_FDCWD, operation->text[0], (unsigned)operation->number[0] | O_CLOEXEC);
  return operation->result[0] < 0 ? -1 : 0;
}

static napi_value deliver_first(napi_env env, struct operation *operation) {
  return value_number(env, (double)operation->result[0]);
}

/* openTree(path, flags): Promise<descriptor> */
static napi_value call_open_tree(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  struct operation *operation = operation_new(run_open_tree, "open_tree");
  operation->deliver = deliver_first;
  operation->path = operation->text[0] = args_string(&args, 0, "path");
  operation->number[0] = args_integer(&args, 1, "flags", 0, INT32_MAX);
  return operation_start(&args, operation);
}

static int run_move_mount(struct operation *operation) {
  return (int)syscall(SYS_move_mount, (int)operation->number[0], "", AT_FDCWD, operation->text[0], 0x4 /* F_EMPTY_PATH */);
}

/* moveMount(descriptor, target): Promise<void> */
static napi_value call_move_mount(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  struct operation *operation = operation_new(run_move_mount, "move_mount");
  operation->number[0] = args_descriptor(&args, 0, "tree");
  operation->path = operation->text[0] = args_string(&args, 1, "target");
  return operation_start(&args, operation);
}

const struct binding mount_bindings[] = {{"mount", call_mount},
                                         {"unmount", call_unmount},
                                         {"openTree", call_open_tree},
                                         {"moveMount", call_move_mount},
                                         {NULL, NULL}};
