/* Values in and out: arguments are checked here, so that no binding can crash on a wrong type. */
#include "addon.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct args args_read(napi_env env, napi_callback_info info) {
  struct args args = {.env = env, .count = sizeof args.values / sizeof *args.values};
  if (napi_get_cb_info(env, info, &args.count, args.values, NULL, NULL) != napi_ok) args.failed = true;
  return args;
}

void args_refuse(struct args *args, const char *name, const char *expected) {
  if (args->failed) return;
  args->failed = true;
  char message[160];
  snprintf(message, sizeof message, "cannot use argument '%s': it must be %s", name, expected);
  napi_throw_type_error(args->env, "ERR_INVALID_ARG_TYPE", message);
}

/* napi_get_cb_info fills the rest of `values` with undefined, but only up to their number. */
static napi_valuetype type_of(struct args *args, size_t index) {
  napi_valuetype type = napi_undefined;
  if (args->failed || index >= sizeof args->values / sizeof *args->values) return type;
  napi_typeof(args->env, args->values[index], &type);
  return type;
}

int64_t args_integer(struct args *args, size_t index, const char *name, int64_t least, int64_t most) {
  double number = NAN;
  if (type_of(args, index) == napi_number) napi_get_value_double(args->env, args->values[index], &number);
  if (!isfinite(number) || trunc(number) != number || number < (double)least || number > (double)most) {
    char expected[80];
    snprintf(expected, sizeof expected, "an integer from %lld to %lld", (long long)least, (long long)most);
    args_refuse(args, name, expected);
    return least;
  }
  return (int64_t)number;
}

int args_descriptor(struct args *args, size_t index, const char *name) {
  return (int)args_integer(args, index, name, 0, INT32_MAX);
}

bool args_boolean(struct args *args, size_t index, const char *name) {
  bool value = false;
  if (type_of(args, index) == napi_boolean) napi_get_value_bool(args->env, args->values[index], &value);
  else args_refuse(args, name, "true or false");
  return value;
}

char *args_string(struct args *args, size_t index, const char *name) {
  size_t length = 0;
  if (type_of(args, index) != napi_string ||
      napi_get_value_string_utf8(args->env, args->values[index], NULL, 0, &length) != napi_ok) {
    args_refuse(args, name, "a string");
    return NULL;
  }
  char *text = malloc(length + 1);
  if (!text) abort();
  napi_get_value_string_utf8(args->env, args->values[index], text, length + 1, &length);
  if (strlen(text) != length) {
    free(text);
    args_refuse(args, name, "a string without NUL");
    return NULL;
  }
  return text;
}

char *args_optional_string(struct args *args, size_t index, const char *name) {
  napi_valuetype type = type_of(args, index);
  if (type == napi_undefined || type == napi_null) return NULL;
  return args_string(args, index, name);
}

const void *args_bytes(struct args *args, size_t index, const char *name, size_t *length) {
  *length = 0;
  bool typed = false;
  if (type_of(args, index) == napi_object) napi_is_typedarray(args->env, args->values[index], &typed);
  void *data = NULL;
  napi_typedarray_type type = napi_int8_array;
  if (typed) napi_get_typedarray_info(args->env, args->values[index], &type, length, &data, NULL, NULL);
  if (!typed || type != napi_uint8_array) {
    *length = 0;
    args_refuse(args, name, "a Uint8Array");
    return NULL;
  }
  return data;
}

size_t args_descriptors(struct args *args, size_t index, const char *name, int *descriptors, size_t most) {
  bool array = false;
  uint32_t count = 0;
  if (type_of(args, index) == napi_object) napi_is_array(args->env, args->values[index], &array);
  if (array) napi_get_array_length(args->env, args->values[index], &count);
  if (!array || count > most) {
    char expected[60];
    snprintf(expected, sizeof expected, "an array of at most %zu descriptors", most);
    args_refuse(args, name, expected);
    return 0;
  }
  for (uint32_t position = 0; position < count; position += 1) {
    struct args element = {.env = args->env, .count = 1};
    if (napi_get_element(args->env, args->values[index], position, &element.values[0]) != napi_ok) element.failed = true;
    descriptors[position] = args_descriptor(&element, 0, name);
    if (element.failed) {
      args->failed = true;
      return 0;
    }
  }
  return count;
}

napi_value value_undefined(napi_env env) {
  napi_value value = NULL;
  napi_get_undefined(env, &value);
  return value;
}

napi_value value_number(napi_env env, double number) {
  napi_value value = NULL;
  napi_create_double(env, number, &value);
  return value;
}

napi_value value_string(napi_env env, const char *text) {
  napi_value value = NULL;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
  return value;
}

napi_value value_object(napi_env env) {
  napi_value value = NULL;
  napi_create_object(env, &value);
  return value;
}

void value_set(napi_env env, napi_value object, const char *key, napi_value value) {
  napi_set_named_property(env, object, key, value);
}

napi_value errno_error(napi_env env, int error, const char *syscall, const char *path, const char *dest) {
  const char *name = strerrorname_np(error);
  char unnamed[24];
  if (!name) {
    snprintf(unnamed, sizeof unnamed, "E%d", error);
    name = unnamed;
  }
  /* Paths are cut in the message only; the properties hold them whole. */
  char message[900];
  snprintf(message, sizeof message, "cannot %s%s%.300s%s%.300s: %s (%s)", syscall, path ? " " : "", path ? path : "",
           dest ? " -> " : "", dest ? dest : "", strerror(error), name);
  napi_value result = NULL;
  napi_create_error(env, value_string(env, name), value_string(env, message), &result);
  value_set(env, result, "errno", value_number(env, -error));
  value_set(env, result, "syscall", value_string(env, syscall));
  if (path) value_set(env, result, "path", value_string(env, path));
  if (dest) value_set(env, result, "dest", value_string(env, dest));
  return result;
}

napi_value throw_errno(napi_env env, int error, const char *syscall, const char *path, const char *dest) {
  napi_throw(env, errno_error(env, error, syscall, path, dest));
  return NULL;
}
