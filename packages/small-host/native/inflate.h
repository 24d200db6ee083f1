/* Decompression for JavaScript. See inflate.c. */
#pragma once
#include "doors.h"

double door_inflate_new(struct window window, const double *arguments);
double door_inflate_feed(struct window window, const double *arguments);
double door_inflate_take(struct window window, const double *arguments);
double door_inflate_end(struct window window, const double *arguments);
