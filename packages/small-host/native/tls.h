/* TLS as a client over a connected, non-blocking socket. Arguments as in src/machine/machine.ts. */
#pragma once
#include "doors.h"

double door_tls_open(struct window window, const double *arguments);
double door_tls_handshake(struct window window, const double *arguments);
double door_tls_read(struct window window, const double *arguments);
double door_tls_write(struct window window, const double *arguments);
double door_tls_close(struct window window, const double *arguments);
