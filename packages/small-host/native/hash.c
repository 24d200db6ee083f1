/*
 * SHA-256, and moving bytes from one descriptor to another while hashing them: the loops over bytes that JavaScript must not do.
 * Contexts are slots of a small table, so that a wrong number from JavaScript cannot become a pointer.
 */
#include "hash.h"
#include <errno.h>
#include <mbedtls/sha256.h>
#include <unistd.h>

enum { SLOTS = 64, PIECE = 128 * 1024 };

static mbedtls_sha256_context contexts[SLOTS];
static unsigned char used[SLOTS];
static unsigned char piece[PIECE];

static mbedtls_sha256_context *context_of(double number) {
  int slot = (int)number - 1;
  return slot >= 0 && slot < SLOTS && used[slot] ? &contexts[slot] : NULL;
}

static int range_ok(struct window window, double offset, double length) {
  return offset >= 0 && length >= 0 && offset + length <= (double)window.size;
}

/* A context number from 1 on, or -EMFILE when all are in use. */
double door_hash_new(struct window window, const double *arguments) {
  (void)window, (void)arguments;
  for (int slot = 0; slot < SLOTS; slot += 1) {
    if (used[slot]) continue;
    used[slot] = 1;
    mbedtls_sha256_init(&contexts[slot]);
    mbedtls_sha256_starts_ret(&contexts[slot], 0);
    return slot + 1;
  }
  return -EMFILE;
}

double door_hash_update(struct window window, const double *arguments) {
  mbedtls_sha256_context *context = context_of(arguments[0]);
  if (!context || !range_ok(window, arguments[1], arguments[2])) return -EINVAL;
  mbedtls_sha256_update_ret(context, window.bytes + (size_t)arguments[1], (size_t)arguments[2]);
  return 0;
}

double door_hash_finish(struct window window, const double *arguments) {
  mbedtls_sha256_context *context = context_of(arguments[0]);
  if (!context || !range_ok(window, arguments[1], 32)) return -EINVAL;
  mbedtls_sha256_finish_ret(context, window.bytes + (size_t)arguments[1]);
  mbedtls_sha256_free(context);
  used[(int)arguments[0] - 1] = 0;
  return 0;
}

double door_hash_descriptor(struct window window, const double *arguments) {
  (void)window;
  mbedtls_sha256_context *context = context_of(arguments[0]);
  if (!context) return -EINVAL;
  double total = 0;
  while (total < arguments[2]) {
    size_t wanted = arguments[2] - total < PIECE ? (size_t)(arguments[2] - total) : PIECE;
    ssize_t count = read((int)arguments[1], piece, wanted);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return total > 0 ? total : -(double)errno;
    if (count == 0) break;
    mbedtls_sha256_update_ret(context, piece, (size_t)count);
    total += (double)count;
  }
  return total;
}

/* Writing is to the end: the target is a file, or a socket whose peer the caller has found ready for this much. */
static int write_all(int descriptor, const unsigned char *bytes, size_t length) {
  while (length > 0) {
    ssize_t count = write(descriptor, bytes, length);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    bytes += count;
    length -= (size_t)count;
  }
  return 0;
}

double door_move(struct window window, const double *arguments) {
  (void)window;
  mbedtls_sha256_context *context = context_of(arguments[0]);
  if (!context && arguments[0] != 0) return -EINVAL;
  double total = 0;
  while (total < arguments[3]) {
    size_t wanted = arguments[3] - total < PIECE ? (size_t)(arguments[3] - total) : PIECE;
    ssize_t count = read((int)arguments[1], piece, wanted);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return total > 0 ? total : -(double)errno;
    if (count == 0) break;
    if (write_all((int)arguments[2], piece, (size_t)count) != 0) return -(double)errno;
    if (context) mbedtls_sha256_update_ret(context, piece, (size_t)count);
    total += (double)count;
  }
  return total;
}
