/* Public-key signatures and certificates. Arguments as in src/machine/machine.ts. */
#pragma once
#include "doors.h"

double door_verify_signature(struct window window, const double *arguments);
double door_verify_issued(struct window window, const double *arguments);
double door_common_name(struct window window, const double *arguments);
