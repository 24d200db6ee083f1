/* SHA-256 and the moving of bytes between descriptors. Arguments as in src/machine/machine.ts. */
#pragma once
#include "doors.h"

double door_hash_new(struct window window, const double *arguments);
double door_hash_update(struct window window, const double *arguments);
double door_hash_finish(struct window window, const double *arguments);
double door_hash_descriptor(struct window window, const double *arguments);
double door_move(struct window window, const double *arguments);
