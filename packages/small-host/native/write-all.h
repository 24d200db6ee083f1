/* Writing to the end: the target is a file, or a socket whose peer the caller has found ready for this much. */
#pragma once
#include <errno.h>
#include <unistd.h>

static inline int write_all(int descriptor, const unsigned char *bytes, size_t length) {
  while (length > 0) {
    ssize_t count = write(descriptor, bytes, length);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    bytes += count;
    length -= (size_t)count;
  }
  return 0;
}
