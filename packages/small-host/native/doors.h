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

/* A host function: its name in JavaScript and what it does. Negative results are errno numbers. */
struct door {
  const char *name;
  double (*call)(struct window window, const double *arguments);
};

/* Ends with an entry without a name. */
extern const struct door doors[];
