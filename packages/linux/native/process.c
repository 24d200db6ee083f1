/* Processes by descriptor (pidfd_open(2)), their exit status, and reaping beside libuv. No call here waits. */
#include "addon.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* struct pidfd_info of linux/pidfd.h in its first version; Debian 12's headers are older than the ioctl (6.13, exit status 6.15). */
struct process_info {
  uint64_t mask;
  uint64_t control_group;
  uint32_t pid, group, parent, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  int32_t exit_status;
};
enum { INFO_PID = 1, INFO_EXIT = 8 };
#define GET_PROCESS_INFO _IOWR(0xFF, 11, struct process_info)

/* openProcess(pid): descriptor */
static napi_value call_open(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  pid_t pid = (pid_t)args_integer(&args, 0, "pid", 1, INT32_MAX);
  if (args.failed) return NULL;
  int descriptor = (int)syscall(SYS_pidfd_open, pid, 0);
  return descriptor < 0 ? throw_errno(env, errno, "pidfd_open", NULL, NULL) : value_number(env, descriptor);
}

/* signalProcess(descriptor, number): void; number 0 only checks */
static napi_value call_signal(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  int descriptor = args_descriptor(&args, 0, "process");
  int number = (int)args_integer(&args, 1, "signal", 0, 64);
  if (args.failed) return NULL;
  if (syscall(SYS_pidfd_send_signal, descriptor, number, NULL, 0) < 0)
    return throw_errno(env, errno, "pidfd_send_signal", NULL, NULL);
  return value_undefined(env);
}

static napi_value exit_object(napi_env env, pid_t pid, bool signalled, int value) {
  napi_value result = value_object(env);
  value_set(env, result, "pid", value_number(env, pid));
  value_set(env, result, signalled ? "signal" : "code", value_number(env, value));
  return result;
}

/* processInfo(descriptor): { pid, parent, code?, signal? }; the exit is known once the process has been reaped by its parent */
static napi_value call_info(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  int descriptor = args_descriptor(&args, 0, "process");
  if (args.failed) return NULL;
  struct process_info process = {.mask = INFO_PID | INFO_EXIT};
  if (ioctl(descriptor, GET_PROCESS_INFO, &process) < 0) return throw_errno(env, errno, "ioctl PIDFD_GET_INFO", NULL, NULL);
  napi_value result = value_object(env);
  if (process.mask & INFO_PID) {
    value_set(env, result, "pid", value_number(env, process.pid));
    value_set(env, result, "parent", value_number(env, process.parent));
  }
  if (process.mask & INFO_EXIT) {
    bool signalled = WIFSIGNALED(process.exit_status);
    value_set(env, result, signalled ? "signal" : "code",
              value_number(env, signalled ? WTERMSIG(process.exit_status) : WEXITSTATUS(process.exit_status)));
  }
  return result;
}

/* reap(by, id, keep): { pid, code | signal } of an ended child, undefined while it runs. by: 0 pid, 1 descriptor. */
static napi_value call_reap(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  bool by_descriptor = args_integer(&args, 0, "by", 0, 1) == 1;
  /* A pid of 0 would mean "any child of the group", which belongs to libuv. */
  id_t id = (id_t)args_integer(&args, 1, "id", by_descriptor ? 0 : 1, INT32_MAX);
  bool keep = args_boolean(&args, 2, "keep");
  if (args.failed) return NULL;
  siginfo_t status = {0};
  int options = WEXITED | WNOHANG | (keep ? WNOWAIT : 0);
  if (waitid(by_descriptor ? (idtype_t)P_PIDFD : P_PID, id, &status, options) < 0)
    return throw_errno(env, errno, "waitid", NULL, NULL);
  if (status.si_pid == 0) return value_undefined(env);
  return exit_object(env, status.si_pid, status.si_code != CLD_EXITED, status.si_status);
}

/* setChildSubreaper(on): void */
static napi_value call_subreaper(napi_env env, napi_callback_info info) {
  struct args args = args_read(env, info);
  bool on = args_boolean(&args, 0, "on");
  if (args.failed) return NULL;
  if (prctl(PR_SET_CHILD_SUBREAPER, on ? 1 : 0, 0, 0, 0) < 0)
    return throw_errno(env, errno, "prctl PR_SET_CHILD_SUBREAPER", NULL, NULL);
  return value_undefined(env);
}

const struct binding process_bindings[] = {{"openProcess", call_open},  {"signalProcess", call_signal},
                                           {"processInfo", call_info},  {"reap", call_reap},
                                           {"setChildSubreaper", call_subreaper}, {NULL, NULL}};
