/* System calls that can wait: they run on libuv's thread pool and settle a promise. */
#include "addon.h"

#include <errno.h>
#include <stdlib.h>

struct operation *operation_new(int (*run)(struct operation *), const char *syscall) {
  struct operation *operation = calloc(1, sizeof *operation);
  if (!operation) abort();
  operation->run = run;
  operation->syscall = syscall;
  return operation;
}

static void operation_free(struct operation *operation) {
  for (size_t index = 0; index < sizeof operation->text / sizeof *operation->text; index += 1) free(operation->text[index]);
  free(operation);
}

static void execute(napi_env env, void *data) {
  (void)env;
  struct operation *operation = data;
  if (operation->run(operation) < 0) operation->error = errno;
}

static void complete(napi_env env, napi_status status, void *data) {
  struct operation *operation = data;
  if (status == napi_cancelled) operation->error = ECANCELED;
  if (operation->error) {
    napi_value error = errno_error(env, operation->error, operation->syscall, operation->path, operation->dest);
    napi_reject_deferred(env, operation->deferred, error);
  } else {
    napi_value value = operation->deliver ? operation->deliver(env, operation) : value_undefined(env);
    napi_resolve_deferred(env, operation->deferred, value);
  }
  napi_delete_async_work(env, operation->work);
  operation_free(operation);
}

napi_value operation_start(struct args *args, struct operation *operation) {
  napi_value promise = NULL;
  if (args->failed) {
    operation_free(operation);
    return NULL;
  }
  napi_env env = args->env;
  if (napi_create_promise(env, &operation->deferred, &promise) != napi_ok ||
      napi_create_async_work(env, NULL, value_string(env, operation->syscall), execute, complete, operation,
                             &operation->work) != napi_ok) {
    operation_free(operation);
    napi_throw_error(env, NULL, "cannot create a promise for a system call");
    return NULL;
  }
  if (napi_queue_async_work(env, operation->work) != napi_ok) {
    napi_delete_async_work(env, operation->work);
    operation_free(operation);
    napi_throw_error(env, NULL, "cannot queue a system call");
    return NULL;
  }
  return promise;
}
