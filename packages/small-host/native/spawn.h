/* Starting programs. The request lies in the window, see spawn.c. */
#pragma once
#include "doors.h"

double door_spawn(struct window window, const double *arguments);
