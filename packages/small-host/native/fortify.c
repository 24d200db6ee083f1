/*
 * Debian builds mbedTLS and zlib for glibc with fortified calls. These are the few that are reached when they are linked with musl:
 * the same functions without the check of the buffer's size, which the caller has done at compile time.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>

int __printf_chk(int flag, const char *format, ...) {
  va_list list;
  (void)flag;
  va_start(list, format);
  int count = vprintf(format, list);
  va_end(list);
  return count;
}

int __fprintf_chk(FILE *stream, int flag, const char *format, ...) {
  va_list list;
  (void)flag;
  va_start(list, format);
  int count = vfprintf(stream, format, list);
  va_end(list);
  return count;
}

int __snprintf_chk(char *text, size_t limit, int flag, size_t size, const char *format, ...) {
  va_list list;
  (void)flag;
  if (limit > size) abort();
  va_start(list, format);
  int count = vsnprintf(text, limit, format, list);
  va_end(list);
  return count;
}

int __vsnprintf_chk(char *text, size_t limit, int flag, size_t size, const char *format, va_list list) {
  (void)flag;
  if (limit > size) abort();
  return vsnprintf(text, limit, format, list);
}

void *__memcpy_chk(void *to, const void *from, size_t length, size_t size) {
  if (length > size) abort();
  return memcpy(to, from, length);
}

void *__memset_chk(void *to, int value, size_t length, size_t size) {
  if (length > size) abort();
  return memset(to, value, length);
}

char *__strcpy_chk(char *to, const char *from, size_t size) {
  if (strlen(from) >= size) abort();
  return strcpy(to, from);
}

long __fdelt_chk(long descriptor) {
  if (descriptor < 0 || descriptor >= FD_SETSIZE) abort();
  return descriptor / (8 * (long)sizeof(long));
}

_Noreturn void __stack_chk_fail_local(void) { abort(); }
