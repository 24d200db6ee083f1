/* SHA-2 and the moving of bytes between descriptors. Arguments as in src/machine/machine.ts. */
#pragma once
#include <mbedtls/md.h>
#include "doors.h"

/* SHA-2 of 256, 384 or 512 bits. */
const mbedtls_md_info_t *digest_of(double bits);

double door_hash_new(struct window window, const double *arguments);
double door_hash_update(struct window window, const double *arguments);
double door_hash_update_base64(struct window window, const double *arguments);
double door_hash_finish(struct window window, const double *arguments);
double door_hash_descriptor(struct window window, const double *arguments);
double door_move(struct window window, const double *arguments);
