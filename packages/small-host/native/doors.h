/* Host functions in C that are more than one system call. Arguments are numbers; offsets lie in the window. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { DOOR_ARGUMENTS = 8 };

/* The bytes that JavaScript and C share. */
struct window {
  uint8_t *bytes;
  size_t size;
};

/* Whether a range lies inside the window. */
static inline int in_range(struct window window, double offset, double length) {
  return offset >= 0 && length >= 0 && offset + length <= (double)window.size;
}

/* A host function: its name in JavaScript and what it does. Negative results are errno numbers. */
struct door {
  const char *name;
  double (*call)(struct window window, const double *arguments);
};

/* Ends with an entry without a name. */
extern const struct door doors[];
