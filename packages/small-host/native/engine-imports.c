/* What the translated engine calls outside of itself: time, its own diagnostics, growth of its memory. */
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include "bridge.h"
#include "engine-map.h"
#include "machine.h"

struct Z_a_instance_t {
  int unused;
};

wasm_rt_memory_t *import_memory(struct Z_a_instance_t *host) {
  (void)host;
  return &machine_memory;
}

static void store32(uint32_t offset, uint32_t value) { memcpy(at(offset), &value, 4); }
static void store64(uint32_t offset, uint64_t value) { memcpy(at(offset), &value, 8); }
static uint32_t load32(uint32_t offset) {
  uint32_t value;
  memcpy(&value, at(offset), 4);
  return value;
}

void import_assertFail(struct Z_a_instance_t *host, u32 condition, u32 file, u32 line, u32 function) {
  (void)host, (void)file, (void)line, (void)function;
  machine_fail("an assertion of the JavaScript engine failed", at(condition));
}

u32 import_writeVector(struct Z_a_instance_t *host, u32 descriptor, u32 vector, u32 count, u32 written) {
  (void)host, (void)descriptor;
  uint32_t total = 0;
  for (uint32_t index = 0; index < count; index += 1) {
    uint32_t length = load32(vector + 8 * index + 4);
    if (write(2, at(load32(vector + 8 * index)), length) < 0) break;
    total += length;
  }
  store32(written, total);
  return 0;
}

u32 import_closeDescriptor(struct Z_a_instance_t *host, u32 descriptor) {
  (void)host, (void)descriptor;
  return 52;
}

u32 import_seekDescriptor(struct Z_a_instance_t *host, u32 descriptor, u64 offset, u32 whence, u32 result) {
  (void)host, (void)descriptor, (void)offset, (void)whence, (void)result;
  return 70;
}

u32 import_environGet(struct Z_a_instance_t *host, u32 list, u32 buffer) {
  (void)host, (void)list, (void)buffer;
  return 0;
}

u32 import_environSizes(struct Z_a_instance_t *host, u32 count, u32 size) {
  (void)host;
  store32(count, 0);
  store32(size, 0);
  return 0;
}

/* The device's programs are one bundle: there are no modules to load. */
u32 import_normalizeModule(struct Z_a_instance_t *host, u32 runtime, u32 context, u32 base, u32 name) {
  (void)host, (void)runtime, (void)context, (void)base, (void)name;
  return 0;
}

u32 import_loadModuleSource(struct Z_a_instance_t *host, u32 runtime, u32 context, u32 name) {
  (void)host, (void)runtime, (void)context, (void)name;
  return 0;
}

u32 import_shouldInterrupt(struct Z_a_instance_t *host, u32 runtime) {
  (void)host, (void)runtime;
  return 0;
}

u32 import_setTimer(struct Z_a_instance_t *host, u32 which, f64 delay) {
  (void)host, (void)which, (void)delay;
  return 0;
}

u32 import_growMemory(struct Z_a_instance_t *host, u32 bytes) {
  (void)host;
  return (u32)machine_grow(bytes);
}

void import_keepAlive(struct Z_a_instance_t *host) { (void)host; }

/* struct tm of the engine's C library: nine 32-bit fields, then the offset from UTC in seconds at byte 36. */
void import_localTime(struct Z_a_instance_t *host, u64 seconds, u32 result) {
  (void)host;
  time_t moment = (time_t)seconds;
  struct tm local;
  memset(&local, 0, sizeof local);
  localtime_r(&moment, &local);
  const int fields[9] = {local.tm_sec,  local.tm_min,  local.tm_hour, local.tm_mday, local.tm_mon,
                         local.tm_year, local.tm_wday, local.tm_yday, local.tm_isdst};
  for (uint32_t index = 0; index < 9; index += 1) store32(result + 4 * index, (uint32_t)fields[index]);
  store32(result + 36, (uint32_t)local.tm_gmtoff);
}

void import_timeZone(struct Z_a_instance_t *host, u32 zone, u32 daylight, u32 standard_name, u32 daylight_name) {
  (void)host;
  store32(zone, 0);
  store32(daylight, 0);
  memcpy(at(standard_name), "UTC", 4);
  memcpy(at(daylight_name), "UTC", 4);
}

f64 import_dateNow(struct Z_a_instance_t *host) {
  (void)host;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (f64)now.tv_sec * 1000 + (f64)(now.tv_nsec / 1000000);
}

u32 import_clockTime(struct Z_a_instance_t *host, u32 clock, u64 precision, u32 result) {
  (void)host, (void)precision;
  struct timespec now;
  clock_gettime(clock == 0 ? CLOCK_REALTIME : CLOCK_MONOTONIC, &now);
  store64(result, (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
  return 0;
}

void import_abort(struct Z_a_instance_t *host) {
  (void)host;
  machine_fail("the JavaScript engine gave up", NULL);
}

void import_exit(struct Z_a_instance_t *host, u32 code) {
  (void)host;
  _exit((int)code);
}

u32 import_callFunction(struct Z_a_instance_t *host, u32 context, u32 self, u32 count, u32 arguments, u32 number) {
  (void)host, (void)self;
  return bridge_call(context, count, arguments, number);
}

void import_freeHostRef(struct Z_a_instance_t *host, u32 runtime, u32 reference) { (void)host, (void)runtime, (void)reference; }
