/*
 * SHA-2, and moving bytes from one descriptor to another while hashing them: the loops over bytes that JavaScript must not do.
 * Contexts are slots of a small table, so that a wrong number from JavaScript cannot become a pointer.
 */
#include "hash.h"
#include <errno.h>
#include <mbedtls/md.h>
#include <unistd.h>
#include "write-all.h"

enum { SLOTS = 64, PIECE = 128 * 1024 };

static mbedtls_md_context_t contexts[SLOTS];
static unsigned char used[SLOTS];
static unsigned char piece[PIECE];

static mbedtls_md_context_t *context_of(double number) {
  int slot = (int)number - 1;
  return slot >= 0 && slot < SLOTS && used[slot] ? &contexts[slot] : NULL;
}

const mbedtls_md_info_t *digest_of(double bits) {
  return mbedtls_md_info_from_type(bits == 512 ? MBEDTLS_MD_SHA512 : bits == 384 ? MBEDTLS_MD_SHA384 : MBEDTLS_MD_SHA256);
}

/* hashNew(bits): a context number from 1 on, or -EMFILE when all are in use. 384 and 512 bits; anything else is SHA-256. */
double door_hash_new(struct window window, const double *arguments) {
  (void)window;
  for (int slot = 0; slot < SLOTS; slot += 1) {
    if (used[slot]) continue;
    mbedtls_md_init(&contexts[slot]);
    if (mbedtls_md_setup(&contexts[slot], digest_of(arguments[0]), 0) != 0) return -ENOMEM;
    mbedtls_md_starts(&contexts[slot]);
    used[slot] = 1;
    return slot + 1;
  }
  return -EMFILE;
}

double door_hash_update(struct window window, const double *arguments) {
  mbedtls_md_context_t *context = context_of(arguments[0]);
  if (!context || !in_range(window, arguments[1], arguments[2])) return -EINVAL;
  mbedtls_md_update(context, window.bytes + (size_t)arguments[1], (size_t)arguments[2]);
  return 0;
}

/*
 * hashUpdateBase64(context, offset, length): hashes the base64url text of the bytes (RFC 4648 section 5, no padding), which is what a JSON web
 * signature signs. Every piece but the last has a multiple of three bytes.
 */
double door_hash_update_base64(struct window window, const double *arguments) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  mbedtls_md_context_t *context = context_of(arguments[0]);
  if (!context || !in_range(window, arguments[1], arguments[2])) return -EINVAL;
  const unsigned char *bytes = window.bytes + (size_t)arguments[1];
  size_t length = (size_t)arguments[2], filled = 0;
  for (size_t index = 0; index < length; index += 3) {
    size_t left = length - index < 3 ? length - index : 3;
    unsigned value = (unsigned)bytes[index] << 16 | (left > 1 ? (unsigned)bytes[index + 1] << 8 : 0) | (left > 2 ? bytes[index + 2] : 0u);
    for (size_t digit = 0; digit <= left; digit += 1) {
      piece[filled] = (unsigned char)alphabet[value >> (18 - 6 * digit) & 63];
      filled += 1;
    }
    if (filled < PIECE - 4 && index + 3 < length) continue;
    mbedtls_md_update(context, piece, filled);
    filled = 0;
  }
  return 0;
}

double door_hash_finish(struct window window, const double *arguments) {
  mbedtls_md_context_t *context = context_of(arguments[0]);
  if (!context || !in_range(window, arguments[1], MBEDTLS_MD_MAX_SIZE)) return -EINVAL;
  mbedtls_md_finish(context, window.bytes + (size_t)arguments[1]);
  mbedtls_md_free(context);
  used[(int)arguments[0] - 1] = 0;
  return 0;
}

double door_hash_descriptor(struct window window, const double *arguments) {
  (void)window;
  mbedtls_md_context_t *context = context_of(arguments[0]);
  if (!context) return -EINVAL;
  double total = 0;
  while (total < arguments[2]) {
    size_t wanted = arguments[2] - total < PIECE ? (size_t)(arguments[2] - total) : PIECE;
    ssize_t count = read((int)arguments[1], piece, wanted);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return total > 0 ? total : -(double)errno;
    if (count == 0) break;
    mbedtls_md_update(context, piece, (size_t)count);
    total += (double)count;
  }
  return total;
}

double door_move(struct window window, const double *arguments) {
  (void)window;
  mbedtls_md_context_t *context = context_of(arguments[0]);
  if (!context && arguments[0] != 0) return -EINVAL;
  double total = 0;
  while (total < arguments[3]) {
    size_t wanted = arguments[3] - total < PIECE ? (size_t)(arguments[3] - total) : PIECE;
    ssize_t count = read((int)arguments[1], piece, wanted);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return total > 0 ? total : -(double)errno;
    if (count == 0) break;
    if (write_all((int)arguments[2], piece, (size_t)count) != 0) return -(double)errno;
    if (context) mbedtls_md_update(context, piece, (size_t)count);
    total += (double)count;
  }
  return total;
}
