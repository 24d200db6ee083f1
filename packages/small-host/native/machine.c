/*
 * What a translated WebAssembly module needs to run: linear memory, one function table, function types, traps.
 *
 * On 64-bit machines the memory lies in a reserve of 8 GiB without access rights, so that no 32-bit address plus 32-bit offset
 * can leave it: the sandbox costs nothing but address space. Where that is refused (ulimit -v) or cannot exist (32 bit), the
 * reserve is the cap plus one guard page and the engine is trusted like any native library.
 */
#include "machine.h"
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PAGE = 65536, MAX_TYPES = 256, MAX_PARAMS = 40 };

wasm_rt_memory_t machine_memory;

static size_t memory_cap;

struct func_type {
  uint32_t params, results;
  uint8_t types[MAX_PARAMS];
};

static struct func_type func_types[MAX_TYPES];
static uint32_t func_type_count;

static void say(const char *text) {
  if (write(2, text, strlen(text)) < 0) return;
}

_Noreturn void machine_fail(const char *what, const char *detail) {
  say("pantavisor: ");
  say(what);
  if (detail) {
    say(": ");
    say(detail);
  }
  say("\n");
  _exit(70);
}

static void on_fault(int number) {
  (void)number;
  machine_fail("the JavaScript engine touched memory that is not its own (native stack or heap used up)", NULL);
}

static void watch_faults(void) {
  static char alternate[16384];
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
  struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK};
  sigaltstack(&stack, NULL);
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGBUS, &action, NULL);
}

void machine_start(size_t cap) {
  memory_cap = cap - cap % PAGE;
  size_t reserve = memory_cap + PAGE;
  void *base = MAP_FAILED;
#if UINTPTR_MAX > 0xffffffff
  size_t sandbox = (size_t)8 << 30;
  base = mmap(NULL, sandbox + PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
#endif
  if (base == MAP_FAILED) base = mmap(NULL, reserve, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) machine_fail("cannot reserve address space for the JavaScript engine", NULL);
  machine_memory.data = base;
  machine_memory.max_pages = (uint32_t)(memory_cap / PAGE);
  if (!machine_grow(256 * PAGE)) machine_fail("cannot open memory for the JavaScript engine", NULL);
  watch_faults();
}

int machine_grow(uint32_t bytes) {
  if (bytes > memory_cap) return 0;
  size_t size = ((size_t)bytes + PAGE - 1) / PAGE * PAGE;
  if (size <= machine_memory.size) return 1;
  if (mprotect(machine_memory.data, size, PROT_READ | PROT_WRITE) != 0) return 0;
  machine_memory.size = size;
  machine_memory.pages = (uint32_t)(size / PAGE);
  return 1;
}

bool wasm_rt_is_initialized(void) { return machine_memory.data != NULL; }

uint32_t wasm_rt_register_func_type(uint32_t params, uint32_t results, ...) {
  struct func_type type = {.params = params, .results = results};
  va_list list;
  if (params + results > MAX_PARAMS) machine_fail("the engine has a function with too many parameters", NULL);
  va_start(list, results);
  for (uint32_t index = 0; index < params + results; index += 1) type.types[index] = (uint8_t)va_arg(list, int);
  va_end(list);
  for (uint32_t index = 0; index < func_type_count; index += 1)
    if (memcmp(&func_types[index], &type, sizeof type) == 0) return index + 1;
  if (func_type_count == MAX_TYPES) machine_fail("the engine has too many function types", NULL);
  func_types[func_type_count] = type;
  func_type_count += 1;
  return func_type_count;
}

void wasm_rt_allocate_funcref_table(wasm_rt_funcref_table_t *table, uint32_t elements, uint32_t max_elements) {
  table->data = calloc(elements, sizeof *table->data);
  if (!table->data) machine_fail("cannot allocate the engine's function table", NULL);
  table->size = elements;
  table->max_size = max_elements;
}

void wasm_rt_free_funcref_table(wasm_rt_funcref_table_t *table) { free(table->data); }

WASM_RT_NO_RETURN void wasm_rt_trap(wasm_rt_trap_t trap) {
  static const char *const names[] = {
      [WASM_RT_TRAP_NONE] = "none",
      [WASM_RT_TRAP_OOB] = "access outside of its memory",
      [WASM_RT_TRAP_INT_OVERFLOW] = "integer overflow",
      [WASM_RT_TRAP_DIV_BY_ZERO] = "division by zero",
      [WASM_RT_TRAP_INVALID_CONVERSION] = "conversion of a number that is none",
      [WASM_RT_TRAP_UNREACHABLE] = "unreachable code",
      [WASM_RT_TRAP_CALL_INDIRECT] = "call of a function of another type",
      [WASM_RT_TRAP_EXHAUSTION] = "call stack used up",
  };
  const char *name = (size_t)trap < sizeof names / sizeof *names ? names[trap] : NULL;
  machine_fail("the JavaScript engine stopped", name ? name : "unknown trap");
}
