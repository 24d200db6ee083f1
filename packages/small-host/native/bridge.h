/* The door between the JavaScript program and the C host. See bridge.c. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "programs.h"

enum {
  /* Limit of the JavaScript stack. Native frames are about six times as large: see STACK_NEEDED in main.c. */
  JS_STACK = 512 * 1024,
  /* Size of the window of linear memory that JavaScript sees as an ArrayBuffer. */
  WINDOW = 256 * 1024,
};

/* One call of a host function from JavaScript; returns a value of the engine or 0 for undefined. */
uint32_t bridge_call(uint32_t context, uint32_t count, uint32_t arguments, uint32_t number);

/* Makes the engine, evaluates the program and runs its loop until it ends. Sizes in bytes. */
_Noreturn void bridge_run(const struct program *program, size_t memory_limit, size_t stack);
