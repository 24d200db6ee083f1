/*
 * The door between the JavaScript program and the C host.
 *
 * JavaScript sees one object `machine`: functions by number and `window`, an ArrayBuffer over a piece of linear memory that both
 * sides read and write without copying. Numbers go as doubles, text as UTF-8 without NUL. Every function is one entry of `doors`.
 */
#define _GNU_SOURCE
#include "bridge.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "doors.h"
#include "engine-map.h"
#include "machine.h"

static Z_engine_instance_t engine;
static uint32_t runtime, context, window;

static double number_argument(uint32_t arguments, uint32_t count, uint32_t index) {
  if (index >= count) return 0;
  return engine_GetFloat64(&engine, context, engine_ArgvGetJSValueConstPointer(&engine, arguments, index));
}

/* Text in linear memory for the length of one call. */
static uint32_t text_argument(uint32_t arguments, uint32_t index) {
  return engine_GetString(&engine, context, engine_ArgvGetJSValueConstPointer(&engine, arguments, index));
}

static uint32_t new_text(const char *text) {
  size_t length = strlen(text) + 1;
  uint32_t copy = engine_malloc(&engine, (uint32_t)length);
  if (copy == 0) machine_fail("no memory left for a text", NULL);
  memcpy(at(copy), text, length);
  uint32_t value = engine_NewString(&engine, context, copy);
  engine_free(&engine, copy);
  return value;
}

/* An offset and length that lie inside the window, or the program is wrong beyond repair. */
static void *in_window(double offset, double length) {
  if (offset < 0 || length < 0 || offset + length > WINDOW) machine_fail("a host function was given a range outside of the window", NULL);
  return at(window + (uint32_t)offset);
}

/* sys(number, pointers, a0 … a5): one system call. Bit i of `pointers`: argument i is an offset into the window. */
static double door_sys(uint32_t arguments, uint32_t count) {
  long values[6];
  uint32_t pointers = (uint32_t)number_argument(arguments, count, 1);
  for (uint32_t index = 0; index < 6; index += 1) {
    double value = number_argument(arguments, count, index + 2);
    values[index] = pointers >> index & 1 ? (long)in_window(value, 0) : (long)(int64_t)value;
  }
  long result = syscall((long)number_argument(arguments, count, 0), values[0], values[1], values[2], values[3], values[4], values[5]);
  return result == -1 ? -(double)errno : (double)result;
}

/* Length of UTF-8 as JavaScript counts: 16-bit units. What is beyond 16 bits has four bytes and two units. */
static size_t units_of(const char *text) {
  size_t units = 0;
  for (; *text; text += 1) units += ((unsigned char)*text & 0xc0) != 0x80 ? 1 + ((unsigned char)*text >= 0xf0) : 0;
  return units;
}

/*
 * put(text, offset, its length in JavaScript): writes UTF-8 into the window without a NUL; the length in bytes, or -ENOBUFS (-105) when it does not
 * fit, or -EILSEQ (-84) when it is shorter than it should be, because it holds a NUL. Without the length the text is taken as it is.
 */
static double door_put(uint32_t arguments, uint32_t count) {
  uint32_t text = text_argument(arguments, 0);
  size_t length = strlen(at(text));
  double offset = number_argument(arguments, count, 1), result = -ENOBUFS;
  if (count > 2 && (double)units_of(at(text)) != number_argument(arguments, count, 2)) result = -EILSEQ;
  else if (offset >= 0 && offset + (double)length <= WINDOW) {
    memcpy(in_window(offset, (double)length), at(text), length);
    result = (double)length;
  }
  engine_FreeCString(&engine, context, text);
  return result;
}

/* take(offset, length): text from UTF-8 bytes of the window; they hold no NUL. */
static uint32_t door_take(uint32_t arguments, uint32_t count) {
  double offset = number_argument(arguments, count, 0), length = number_argument(arguments, count, 1);
  const char *bytes = in_window(offset, length);
  uint32_t copy = engine_malloc(&engine, (uint32_t)length + 1);
  if (copy == 0) machine_fail("no memory left for a text", NULL);
  memcpy(at(copy), bytes, (size_t)length);
  *((char *)at(copy) + (size_t)length) = 0;
  uint32_t value = engine_NewString(&engine, context, copy);
  engine_free(&engine, copy);
  return value;
}

/* memoryUsage(): an object with the engine's own figures, in bytes and counts. */
static uint32_t door_memory_usage(void) { return engine_RuntimeComputeMemoryUsage(&engine, runtime, context); }

enum door_number { DOOR_SYS, DOOR_PUT, DOOR_TAKE, DOOR_MEMORY_USAGE, DOOR_NATIVE };

uint32_t bridge_call(uint32_t in, uint32_t count, uint32_t arguments, uint32_t number) {
  (void)in;
  double result;
  switch (number) {
    case DOOR_TAKE: return door_take(arguments, count);
    case DOOR_MEMORY_USAGE: return door_memory_usage();
    case DOOR_SYS: result = door_sys(arguments, count); break;
    case DOOR_PUT: result = door_put(arguments, count); break;
    default: {
      double values[DOOR_ARGUMENTS];
      for (uint32_t index = 0; index < DOOR_ARGUMENTS; index += 1) values[index] = number_argument(arguments, count, index);
      result = doors[number - DOOR_NATIVE].call((struct window){at(window), WINDOW}, values);
    }
  }
  return engine_NewFloat64(&engine, context, result);
}

static void set_member(uint32_t object, const char *name, uint32_t value) {
  uint32_t key = new_text(name);
  engine_SetProp(&engine, context, object, key, value);
  engine_FreeValuePointer(&engine, context, key);
}

static void offer(uint32_t object, const char *name, uint32_t number) {
  uint32_t text = engine_malloc(&engine, (uint32_t)strlen(name) + 1);
  memcpy(at(text), name, strlen(name) + 1);
  set_member(object, name, engine_NewFunction(&engine, context, text, 8, 0, number));
  engine_free(&engine, text);
}

/* Ends the program with the error that `value` holds, if it holds one. */
static void check(uint32_t value, const char *where) {
  uint32_t error = engine_ResolveException(&engine, context, value);
  if (error == 0) return;
  uint32_t dump = engine_Dump(&engine, context, error);
  machine_fail(where, at(dump));
}

static void run_jobs(void) {
  uint32_t executed_in = engine_malloc(&engine, 4);
  while (engine_IsJobPending(&engine, runtime)) {
    // How many were run, as a value of the heap.
    uint32_t executed = engine_ExecutePendingJob(&engine, runtime, 64, executed_in);
    check(executed, "an unhandled error ended the program");
    engine_FreeValuePointer(&engine, context, executed);
  }
  engine_free(&engine, executed_in);
}

/* Puts ordinary memory, all zero, into the place of whole pages. */
static void renew(void *pages, size_t length) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  if (length > 0 && mmap(pages, length, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED)
    machine_fail("cannot open memory for the JavaScript engine", NULL);
}

/* The program's bytecode in linear memory while it is read. */
struct lent {
  uint32_t block;
  char *begin, *pages;
  size_t length;
};

/*
 * Lends it without a copy: the whole pages that the kernel mapped from the executable move there, since nobody else reads them. Only what
 * shares its pages with other constants is copied, or everything where the kernel refuses.
 */
static struct lent lend(const struct program *program, size_t page) {
  size_t length = (size_t)(program->code_end - program->code);
  struct lent lent = {.block = engine_malloc(&engine, (uint32_t)(length + page))};
  if (lent.block == 0) machine_fail("the program does not fit into memory", program->file);
  uintptr_t source = (uintptr_t)program->code, block = (uintptr_t)at(lent.block);
  // At the same place within a page as in the executable.
  lent.begin = (char *)(block + ((source - block) & (page - 1)));
  size_t head = -source & (page - 1);
  if (length >= head + page) {
    lent.pages = lent.begin + head;
    lent.length = (length - head) & ~(page - 1);
    if (mremap((void *)(source + head), lent.length, lent.length, MREMAP_MAYMOVE | MREMAP_FIXED, lent.pages) == MAP_FAILED) {
      renew(lent.pages, lent.length);
      lent.length = 0;
    }
  }
  size_t tail = head + lent.length;
  if (lent.length == 0) head = tail = length;
  memcpy(lent.begin, program->code, head);
  memcpy(lent.begin + tail, program->code + tail, length - tail);
  return lent;
}

/* Opens the memory that what is read will fill, twice the bytecode: all at once takes a tenth of the time of a page fault for each page. */
static void prepare(const struct lent *lent, size_t length, size_t page) {
  enum { POPULATE_WRITE = 23 };
  uintptr_t end = ((uintptr_t)lent->begin + length + 2 * page) & ~(page - 1);
  // A kernel before 5.14 does not know this, and it is well without.
  if (end + 2 * length < (uintptr_t)at(0) + machine_memory.size) madvise((void *)end, 2 * length, POPULATE_WRITE);
}

/* Reads the program's bytecode and runs it up to its end and that of its jobs. */
static void load(const struct program *program) {
  enum { WITH_BYTECODE = 1 };
  size_t length = (size_t)(program->code_end - program->code), page = (size_t)sysconf(_SC_PAGESIZE);
  uint32_t result = engine_malloc(&engine, sizeof(uint64_t));
  if (result == 0) machine_fail("the program does not fit into memory", program->file);
  struct lent code = lend(program, page);
  prepare(&code, length, page);
  uint64_t value = engine_ReadObject(&engine, context, (uint32_t)(code.begin - (char *)at(0)), (uint32_t)length, WITH_BYTECODE);
  memcpy(at(result), &value, sizeof value);
  check(result, "the program cannot be read");
  renew(code.pages, code.length);
  engine_free(&engine, code.block);
  value = engine_EvalFunction(&engine, context, value);
  memcpy(at(result), &value, sizeof value);
  check(result, "the program could not be started");
  engine_free(&engine, result);
  run_jobs();
}

_Noreturn void bridge_run(const struct program *program, size_t memory_limit, size_t stack) {
  Z_engine_init_module();
  Z_engine_instantiate(&engine, NULL);
  engine_constructors(&engine);
  runtime = engine_NewRuntime(&engine);
  engine_RuntimeSetMaxStackSize(&engine, runtime, (uint32_t)stack);
  engine_RuntimeSetMemoryLimit(&engine, runtime, (uint32_t)memory_limit);
  context = engine_NewContext(&engine, runtime, 0);
  window = engine_malloc(&engine, WINDOW);

  uint32_t global = engine_GetGlobalObject(&engine, context), object = engine_NewObject(&engine, context);
  offer(object, "sys", DOOR_SYS);
  offer(object, "put", DOOR_PUT);
  offer(object, "take", DOOR_TAKE);
  offer(object, "memoryUsage", DOOR_MEMORY_USAGE);
  for (uint32_t index = 0; doors[index].name; index += 1) offer(object, doors[index].name, DOOR_NATIVE + index);
  set_member(object, "window", engine_NewArrayBuffer(&engine, context, window, WINDOW));
  set_member(object, "windowAddress", engine_NewFloat64(&engine, context, (double)(uintptr_t)at(window)));
  set_member(global, "machine", object);

  load(program);
  uint32_t key = new_text("turn"), turn = engine_GetProp(&engine, context, object, key);
  for (;;) {
    uint32_t result = engine_Call(&engine, context, turn, global, 0, 0);
    check(result, "the event loop failed");
    engine_FreeValuePointer(&engine, context, result);
    run_jobs();
  }
}
