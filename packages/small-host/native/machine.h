/* The translated engine's machine: linear memory, function table, traps. See machine.c. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "wasm-rt.h"

/* The engine's linear memory starts here and never moves. */
extern wasm_rt_memory_t machine_memory;

/* Opens the linear memory. `cap` is the most it may ever hold, in bytes. Ends the program when the address space is refused. */
void machine_start(size_t cap);

/* Grows the linear memory to at least `bytes`; 0 when that is beyond the cap. */
int machine_grow(uint32_t bytes);

/* Ends the program with one line on standard error; exit code 70 (EX_SOFTWARE), so that PID 1 starts it anew. */
_Noreturn void machine_fail(const char *what, const char *detail);

/* Address of an offset into linear memory. */
static inline void *at(uint32_t offset) { return machine_memory.data + offset; }
