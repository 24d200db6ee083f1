/*
 * What the files of the addon share. N-API only: one build works for every Node from 22 on.
 *
 * Three ways to answer JavaScript:
 *   - directly, for calls that never wait (prctl, getsockopt, waitid with WNOHANG);
 *   - an `operation`, for calls that can wait for a disk or for RCU (mount, umount2, fsync): it runs on libuv's pool and
 *     settles a promise;
 *   - a `watch`, for waits without an end (exit of a process): one thread with epoll serves all of them.
 */
#ifndef PANTAVISOR_LINUX_ADDON_H
#define PANTAVISOR_LINUX_ADDON_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define NAPI_VERSION 8
#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Arguments of one call. The first wrong one throws a TypeError and sets `failed`; readers return a harmless value from then on. */
struct args {
  napi_env env;
  size_t count;
  napi_value values[8];
  bool failed;
};

struct args args_read(napi_env env, napi_callback_info info);
int64_t args_integer(struct args *args, size_t index, const char *name, int64_t least, int64_t most);
int args_descriptor(struct args *args, size_t index, const char *name);
bool args_boolean(struct args *args, size_t index, const char *name);
/* A copy to be freed; NULL when wrong. Refuses strings with a NUL inside, which the kernel would cut. */
char *args_string(struct args *args, size_t index, const char *name);
/* As args_string, but `undefined` and `null` give NULL without an error. */
char *args_optional_string(struct args *args, size_t index, const char *name);
/* Bytes of a Uint8Array, valid until the call returns; length 0 with NULL when wrong. */
const void *args_bytes(struct args *args, size_t index, const char *name, size_t *length);
/* Descriptors of an array; returns how many were stored. */
size_t args_descriptors(struct args *args, size_t index, const char *name, int *descriptors, size_t most);
void args_refuse(struct args *args, const char *name, const char *expected);

/* An Error with code (errno name), errno (negative, as Node's own), syscall and, when given, path and dest. */
napi_value errno_error(napi_env env, int error, const char *syscall, const char *path, const char *dest);
/* Throws it and returns NULL, so that a binding can end with it. */
napi_value throw_errno(napi_env env, int error, const char *syscall, const char *path, const char *dest);

napi_value value_undefined(napi_env env);
napi_value value_number(napi_env env, double number);
napi_value value_string(napi_env env, const char *text);
napi_value value_object(napi_env env);
void value_set(napi_env env, napi_value object, const char *key, napi_value value);

struct operation {
  /* Runs on the pool. Returns -1 with errno set when it failed. May change `syscall`, `path` and `dest` to say where it got to. */
  int (*run)(struct operation *operation);
  /* Makes the value of the promise; NULL gives undefined. */
  napi_value (*deliver)(napi_env env, struct operation *operation);
  const char *syscall;
  const char *path;
  const char *dest;
  char *text[5];
  int64_t number[5];
  int64_t result[10];
  char result_text[128];
  int error;
  napi_deferred deferred;
  napi_async_work work;
};

/* Never NULL: the process ends when there is no memory for a few hundred bytes, as Node itself does. */
struct operation *operation_new(int (*run)(struct operation *), const char *syscall);
/* Queues it and returns its promise; when an argument was wrong it only frees it and returns NULL. */
napi_value operation_start(struct args *args, struct operation *operation);

struct binding {
  const char *name;
  napi_callback call;
};

/* Each ends with a binding whose name is NULL. */
extern const struct binding mount_bindings[];
extern const struct binding loop_bindings[];
extern const struct binding file_bindings[];
extern const struct binding socket_bindings[];
extern const struct binding process_bindings[];
extern const struct binding spawn_bindings[];
extern const struct binding watch_bindings[];
extern const struct binding network_bindings[];
extern const struct binding machine_bindings[];
extern const struct binding log_bindings[];
extern const struct binding watchdog_bindings[];
extern const struct binding mesh_bindings[];

/* Makes the environment's watcher, kept as its instance data; its thread starts with the first watch. */
bool watcher_create(napi_env env);

#endif
