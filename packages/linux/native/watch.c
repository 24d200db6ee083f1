/*
 * Waits without an end: one thread sleeps in epoll for all watched descriptors (exits of processes, answers on sockets) and wakes
 * the event loop only when one is ready. libuv's pool has four threads; a blocked one for each container would stop all file access.
 */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct watch {
  struct watch *previous, *next;
  int descriptor;
  napi_deferred deferred;
};

struct watcher {
  int epoll, stop;
  pthread_t thread;
  bool running;
  napi_threadsafe_function deliver;
  /* Ring of pending watches with this head; touched by the event loop's thread only. */
  struct watch pending;
};

static void forget(struct watch *watch) {
  watch->previous->next = watch->next;
  watch->next->previous = watch->previous;
  close(watch->descriptor);
  free(watch);
}

static void *sleep_for_all(void *data) {
  struct watcher *watcher = data;
  struct epoll_event events[16];
  for (;;) {
    int count = epoll_wait(watcher->epoll, events, 16, -1);
    if (count < 0 && errno != EINTR) return NULL;
    for (int index = 0; index < count; index += 1) {
      struct watch *watch = events[index].data.ptr;
      if (!watch) return NULL;
      /* EPOLLONESHOT has disarmed it, so it is handed over exactly once. */
      napi_call_threadsafe_function(watcher->deliver, watch, napi_tsfn_nonblocking);
    }
  }
}

static void settle(napi_env env, napi_value unused, void *context, void *data) {
  (void)unused;
  struct watcher *watcher = context;
  struct watch *watch = data;
  if (!env) return;
  epoll_ctl(watcher->epoll, EPOLL_CTL_DEL, watch->descriptor, NULL);
  napi_resolve_deferred(env, watch->deferred, value_undefined(env));
  forget(watch);
  if (watcher->pending.next == &watcher->pending) napi_unref_threadsafe_function(env, watcher->deliver);
}

static void shut_down(void *data) {
  struct watcher *watcher = data;
  if (watcher->running) {
    uint64_t one = 1;
    if (write(watcher->stop, &one, sizeof one) == sizeof one) pthread_join(watcher->thread, NULL);
    close(watcher->epoll);
    close(watcher->stop);
    napi_release_threadsafe_function(watcher->deliver, napi_tsfn_abort);
  }
  while (watcher->pending.next != &watcher->pending) forget(watcher->pending.next);
}

static void release(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  free(data);
}

bool watcher_create(napi_env env) {
  struct watcher *watcher = calloc(1, sizeof *watcher);
  if (!watcher) return false;
  watcher->pending.previous = watcher->pending.next = &watcher->pending;
  if (napi_set_instance_data(env, watcher, release, NULL) == napi_ok) return true;
  free(watcher);
  return false;
}

static int start_thread(struct watcher *watcher) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 128 * 1024);
  /* Signals belong to the threads that libuv knows. */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&watcher->thread, &attributes, sleep_for_all, watcher);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return error;
}

static int start(napi_env env, struct watcher *watcher) {
  if (watcher->running) return 0;
  int error = 0;
  watcher->epoll = epoll_create1(EPOLL_CLOEXEC);
  watcher->stop = eventfd(0, EFD_CLOEXEC);
  struct epoll_event stop = {.events = EPOLLIN, .data.ptr = NULL};
  if (watcher->epoll < 0 || watcher->stop < 0 || epoll_ctl(watcher->epoll, EPOLL_CTL_ADD, watcher->stop, &stop) < 0)
    error = errno;
  else if (napi_create_threadsafe_function(env, NULL, NULL, value_string(env, "watch"), 0, 1, NULL, NULL, watcher, settle,
                                           &watcher->deliver) != napi_ok)
    error = ENOMEM;
  else {
    error = start_thread(watcher);
    if (error) napi_release_threadsafe_function(watcher->deliver, napi_tsfn_abort);
  }
  if (error) {
    if (watcher->epoll >= 0) close(watcher->epoll);
    if (watcher->stop >= 0) close(watcher->stop);
    return error;
  }
  napi_unref_threadsafe_function(env, watcher->deliver);
  /* Hooks run last first: the thread is gone before Node takes the function down that it calls. */
  napi_add_env_cleanup_hook(env, shut_down, watcher);
  watcher->running = true;
  return 0;
}

/* Watches a duplicate: the caller may close its own at any time. */
static napi_value wait_for(napi_env env, napi_callback_info info, uint32_t condition) {
  struct args args = args_read(env, info);
  int descriptor = args_descriptor(&args, 0, "descriptor");
  if (args.failed) return NULL;
  struct watcher *watcher = NULL;
  napi_get_instance_data(env, (void **)&watcher);
  int error = start(env, watcher);
  if (error) return throw_errno(env, error, "epoll_create1", NULL, NULL);
  struct watch *watch = calloc(1, sizeof *watch);
  if (!watch) return throw_errno(env, ENOMEM, "epoll_ctl", NULL, NULL);
  watch->descriptor = fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
  if (watch->descriptor < 0) {
    error = errno;
    free(watch);
    return throw_errno(env, error, "fcntl", NULL, NULL);
  }
  bool first = watcher->pending.next == &watcher->pending;
  watch->next = &watcher->pending;
  watch->previous = watcher->pending.previous;
  watch->previous->next = watcher->pending.previous = watch;
  napi_value promise = NULL;
  napi_create_promise(env, &watch->deferred, &promise);
  struct epoll_event event = {.events = condition | EPOLLONESHOT, .data.ptr = watch};
  if (epoll_ctl(watcher->epoll, EPOLL_CTL_ADD, watch->descriptor, &event) < 0) {
    napi_value reason = errno_error(env, errno, "epoll_ctl", NULL, NULL);
    napi_reject_deferred(env, watch->deferred, reason);
    forget(watch);
    return promise;
  }
  if (first) napi_ref_threadsafe_function(env, watcher->deliver);
  return promise;
}

/* waitReadable(descriptor): Promise<void> */
static napi_value call_readable(napi_env env, napi_callback_info info) { return wait_for(env, info, EPOLLIN); }

/* waitWritable(descriptor): Promise<void> */
static napi_value call_writable(napi_env env, napi_callback_info info) { return wait_for(env, info, EPOLLOUT); }

const struct binding watch_bindings[] = {{"waitReadable", call_readable}, {"waitWritable", call_writable}, {NULL, NULL}};
