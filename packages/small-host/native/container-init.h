/* The first program of a container, see container-init.c. */
#pragma once

/* Becomes the container's own init; returns only an exit code: 64 usage, 126 cannot be run, 127 not found. */
int container_init(int argc, char **argv);
