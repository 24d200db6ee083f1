/* Files: what node:fs does not offer (renameat2, flock, mkfifo, fsync of a directory, flags of statfs). */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

static int run_statfs(struct operation *operation) {
  struct statfs status;
  if (statfs(operation->text[0], &status) < 0) return -1;
  const int64_t values[] = {(int64_t)status.f_type,   (int64_t)status.f_bsize, (int64_t)status.f_blocks,
                            (int64_t)status.f_bfree,  (int64_t)status.f_bavail, (int64_t)status.f_files,
                            (int64_t)status.f_ffree,  (int64_t)status.f_flags};
  for (size_t index = 0; index < sizeof values / sizeof *values; index += 1) operation->result[index] = values[index];
  return 0;
}

static napi_value deliver_statfs(napi_env env, struct operation *operation) {
  static const char *const keys[] = {"type", "blockSize", "blocks", "free", "available", "files", "freeFiles", "flags"};
  napi_value result = value_object(env);
  for (size_t index = 0; index < sizeof keys / sizeof *keys; index += 1)
    value_set(env, result, keys[index], value_number(env, (double)operation->result[index]));
  return result;
}

/* statfs(path): Promise<{ type, blockSize, blocks, free, available, files, freeFiles, flags }> */
static napi_value call_statfs(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  struct operation *operation = operation_new(run_statfs, "statfs");
  operation->deliver = deliver_statfs;
  operation->path = operation->text[0] = args_string(&args, 0, "path");
  return operation_start(&args, operation);
}

static int run_sync_directory(struct operation *operation) {
  operation->syscall = "open";
  int descriptor = open(operation->text[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return -1;
  operation->syscall = "fsync";
  int result = fsync(descriptor);
  int error = errno;
  close(descriptor);
  errno = error;
  return result;
}

/* syncDirectory(path): Promise<void> */
static napi_value call_sync_directory(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  struct operation *operation = operation_new(run_sync_directory, "open");
  operation->path = operation->text[0] = args_string(&args, 0, "path");
  return operation_start(&args, operation);
}

static int run_rename(struct operation *operation) {
  return (int)syscall(SYS_renameat2, AT_FDCWD, operation->text[0], AT_FDCWD, operation->text[1],
                      (unsigned)operation->number[0]);
}

/* rename(from, to, flags): Promise<void> */
static napi_value call_rename(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  struct operation *operation = operation_new(run_rename, "renameat2");
  operation->path = operation->text[0] = args_string(&args, 0, "from");
  operation->dest = operation->text[1] = args_string(&args, 1, "to");
  operation->number[0] = args_integer(&args, 2, "flags", 0, 7);
  return operation_start(&args, operation);
}

static int run_flock(struct operation *operation) {
  int result;
  do result = flock((int)operation->number[0], (int)operation->number[1]);
  while (result < 0 && errno == EINTR);
  return result;
}

/* flock(descriptor, operation): Promise<void> */
static napi_value call_flock(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  struct operation *operation = operation_new(run_flock, "flock");
  operation->number[0] = args_descriptor(&args, 0, "descriptor");
  operation->number[1] = args_integer(&args, 1, "operation", 0, 15);
  return operation_start(&args, operation);
}

static int run_fifo(struct operation *operation) {
  return mkfifo(operation->text[0], (mode_t)operation->number[0]);
}

/* makeFifo(path, mode): Promise<void> */
static napi_value call_fifo(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  struct operation *operation = operation_new(run_fifo, "mkfifo");
  operation->path = operation->text[0] = args_string(&args, 0, "path");
  operation->number[0] = args_integer(&args, 1, "mode", 0, 07777);
  return operation_start(&args, operation);
}

static int run_sync(struct operation *operation) {
  (void)operation;
  sync();
  return 0;
}

/* syncAll(): Promise<void> */
static napi_value call_sync(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  return operation_start(&args, operation_new(run_sync, "sync"));
}

/* linux/ext4.h, which not every machine has. Since Linux 5.14. */
#ifndef EXT4_IOC_CHECKPOINT
#define EXT4_IOC_CHECKPOINT _IOW('f', 43, uint32_t)
#endif

/* Empties the journal of a file system, if it has one. */
static int empty_journal(struct operation *operation, int descriptor) {
  struct statfs status;
  if (fstatfs(descriptor, &status) < 0) return -1;
  if (status.f_type != EXT4_SUPER_MAGIC) return 0;
  operation->syscall = "ioctl EXT4_IOC_CHECKPOINT";
  uint32_t flags = 0;
  if (ioctl(descriptor, EXT4_IOC_CHECKPOINT, &flags) == 0 || errno == ENODEV) return 0;
  if (errno != ENOTTY) return -1;
  /* Freezing empties it, too. Somebody else has frozen it: it is empty. */
  operation->syscall = "ioctl FIFREEZE";
  if (ioctl(descriptor, FIFREEZE, 0) < 0) return errno == EBUSY || errno == EOPNOTSUPP ? 0 : -1;
  operation->syscall = "ioctl FITHAW";
  return ioctl(descriptor, FITHAW, 0);
}

static int run_sync_file_system(struct operation *operation) {
  operation->syscall = "open";
  int descriptor = open(operation->text[0], O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return -1;
  operation->syscall = "syncfs";
  int result = syncfs(descriptor);
  if (result == 0) result = empty_journal(operation, descriptor);
  int error = errno;
  close(descriptor);
  errno = error;
  return result;
}

/* syncFileSystem(path): Promise<void> */
static napi_value call_sync_file_system(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  struct operation *operation = operation_new(run_sync_file_system, "open");
  operation->path = operation->text[0] = args_string(&args, 0, "path");
  return operation_start(&args, operation);
}

const struct binding file_bindings[] = {{"statfs", call_statfs}, {"syncDirectory", call_sync_directory},
                                        {"rename", call_rename}, {"flock", call_flock},
                                        {"makeFifo", call_fifo}, {"syncAll", call_sync},
                                        {"syncFileSystem", call_sync_file_system},
                                        {NULL, NULL}};
