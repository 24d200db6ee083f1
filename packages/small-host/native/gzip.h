/* Compression of files. See gzip.c. */
#pragma once
#include "doors.h"

double door_gzip_new(struct window window, const double *arguments);
double door_gzip_move(struct window window, const double *arguments);
double door_gzip_end(struct window window, const double *arguments);
