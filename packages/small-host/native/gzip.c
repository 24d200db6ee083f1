/* Compressing one open file into another (gzip, RFC 1952), in steps that are short enough for an event loop. One stream at a time. */
#include "gzip.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include "write-all.h"

enum { PIECE = 64 * 1024, GZIP_WINDOW = 15 + 16, MEMORY_LEVEL = 8 };

static z_stream stream;
static unsigned char input[PIECE], output[PIECE];
static int is_open;

/* gzipNew(): 0, or -EBUSY while another stream is open. */
double door_gzip_new(struct window window, const double *arguments) {
  (void)window, (void)arguments;
  if (is_open) return -EBUSY;
  memset(&stream, 0, sizeof stream);
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) return -ENOMEM;
  is_open = 1;
  return 0;
}

/* gzipMove(from, to): compresses the next 64 KiB; how many bytes were read, 0 when that was all and the rest has been written. */
double door_gzip_move(struct window window, const double *arguments) {
  (void)window;
  if (!is_open) return -EINVAL;
  ssize_t count;
  do count = read((int)arguments[0], input, PIECE);
  while (count < 0 && errno == EINTR);
  if (count < 0) return -(double)errno;
  stream.next_in = input;
  stream.avail_in = (uInt)count;
  do {
    stream.next_out = output;
    stream.avail_out = PIECE;
    deflate(&stream, count == 0 ? Z_FINISH : Z_NO_FLUSH);
    if (write_all((int)arguments[1], output, PIECE - stream.avail_out) != 0) return -(double)errno;
  } while (stream.avail_out == 0);
  return (double)count;
}

/* gzipEnd(): frees the stream. */
double door_gzip_end(struct window window, const double *arguments) {
  (void)window, (void)arguments;
  if (is_open) deflateEnd(&stream);
  is_open = 0;
  return 0;
}
