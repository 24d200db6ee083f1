/*
 * Gzip (RFC 1952) taken apart piece by piece: feed compressed bytes, take what they stand for until there is nothing, feed again.
 * One stream at a time is all that a program needs.
 */
#include "inflate.h"
#include <errno.h>
#include <string.h>
#include <zlib.h>

enum { PIECE = 64 * 1024, GZIP_WINDOW = 15 + 16 };

static z_stream stream;
static unsigned char piece[PIECE];
static enum { IDLE, RUNNING, MEMBER_ENDED } state;

/* inflateNew(): 0, or -EBUSY while another stream is open. */
double door_inflate_new(struct window window, const double *arguments) {
  (void)window, (void)arguments;
  if (state != IDLE) return -EBUSY;
  memset(&stream, 0, sizeof stream);
  if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK) return -ENOMEM;
  state = RUNNING;
  return 0;
}

/* inflateFeed(offset, length): takes up to 64 KiB of compressed bytes over; how many. Only when all of the last ones are used up. */
double door_inflate_feed(struct window window, const double *arguments) {
  if (state == IDLE || stream.avail_in > 0 || !in_range(window, arguments[0], arguments[1])) return -EINVAL;
  size_t length = arguments[1] < PIECE ? (size_t)arguments[1] : PIECE;
  memcpy(piece, window.bytes + (size_t)arguments[0], length);
  stream.next_in = piece;
  stream.avail_in = (uInt)length;
  return (double)length;
}

/* inflateTake(offset, limit): bytes written there; 0 when more input is needed; -EPROTO when this is no gzip. */
double door_inflate_take(struct window window, const double *arguments) {
  if (state == IDLE || !in_range(window, arguments[0], arguments[1])) return -EINVAL;
  stream.next_out = window.bytes + (size_t)arguments[0];
  stream.avail_out = (uInt)arguments[1];
  while (stream.avail_in > 0 || state == RUNNING) {
    /* Members may follow each other; zeros after the last one are padding. */
    if (state == MEMBER_ENDED) {
      while (stream.avail_in > 0 && *stream.next_in == 0) stream.next_in += 1, stream.avail_in -= 1;
      if (stream.avail_in == 0) break;
      inflateReset(&stream);
      state = RUNNING;
    }
    int result = inflate(&stream, Z_NO_FLUSH);
    if (result == Z_STREAM_END) state = MEMBER_ENDED;
    else if (result == Z_BUF_ERROR) break;
    else if (result != Z_OK) return -EPROTO;
    if (stream.avail_out == 0) break;
  }
  return arguments[1] - stream.avail_out;
}

/* inflateEnd(): frees the stream; 0, or -EPROTO when it was not whole. */
double door_inflate_end(struct window window, const double *arguments) {
  (void)window, (void)arguments;
  if (state == IDLE) return -EINVAL;
  double result = state == MEMBER_ENDED ? 0 : -EPROTO;
  inflateEnd(&stream);
  state = IDLE;
  return result;
}
