/* Entry of the addon: exports every binding. */
#include "addon.h"

static void export_all(napi_env env, napi_value exports, const struct binding *bindings) {
  for (; bindings->name; bindings += 1) {
    napi_value call = NULL;
    if (napi_create_function(env, bindings->name, NAPI_AUTO_LENGTH, bindings->call, NULL, &call) != napi_ok) return;
    value_set(env, exports, bindings->name, call);
  }
}

NAPI_MODULE_INIT() {
  const struct binding *const groups[] = {mount_bindings,   loop_bindings,  file_bindings,    socket_bindings,
                                          process_bindings, spawn_bindings, watch_bindings,   network_bindings,
                                          machine_bindings, log_bindings,   watchdog_bindings, mesh_bindings};
  for (size_t index = 0; index < sizeof groups / sizeof *groups; index += 1) export_all(env, exports, groups[index]);
  if (!watcher_create(env)) napi_throw_error(env, NULL, "cannot prepare the process watcher");
  return exports;
}
