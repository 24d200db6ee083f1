/*
 * container-init: the first program of a container; becomes the container's own init.
 *
 *   container-init [-l TARGET] TYPE PROGRAM [ARGUMENT…]
 *
 * LXC splits lxc.init.cmd at blanks and knows no quotes, and it sets container=lxc for init whatever the configuration says. So the
 * runtime writes this program in front of the real init: PROGRAM and each ARGUMENT have %XX for every byte that could not stand
 * there, a lone % means an empty argument, and TYPE becomes the value of the variable `container`. A PROGRAM without a
 * slash is looked for in PATH. With -l, /dev/log becomes a symbolic link to TARGET before, unless there is one already: a hook of LXC's
 * would take two shells and ln for that. Ends with 127 when PROGRAM is not found and 126 when it cannot be run, and says why on stderr.
 *
 * Without a C library, since it is mounted into every container: a few kilobytes, and it needs nothing that is there.
 */
enum { NO_ENTRY = 2, NO_ACCESS = 13, NO_DIRECTORY = 20, PATH_LIMIT = 4096, TYPE_LIMIT = 256, HERE = -100 };

#if defined(__x86_64__)
enum { CALL_WRITE = 1, CALL_EXECVE = 59, CALL_EXIT = 231, CALL_SYMLINKAT = 266 };
static long call(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}
__asm__(".globl _start\n_start:\n xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call begin\n hlt\n");
#elif defined(__aarch64__)
enum { CALL_WRITE = 64, CALL_EXECVE = 221, CALL_EXIT = 94, CALL_SYMLINKAT = 36 };
static long call(long number, long a, long b, long c) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
  return x0;
}
__asm__(".globl _start\n_start:\n mov x29, #0\n mov x30, #0\n mov x0, sp\n bl begin\n brk #0\n");
#else
#error "only x86-64 and arm64 are supported"
#endif

static const char fallback_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

static long length_of(const char *text) {
  long length = 0;
  while (text[length]) length += 1;
  return length;
}

static int starts_with(const char *text, const char *start) {
  while (*start)
    if (*text++ != *start++) return 0;
  return 1;
}

static void say(const char *text) { call(CALL_WRITE, 2, (long)text, length_of(text)); }

static void finish(int code, const char *program, long error) __attribute__((noreturn));
static void finish(int code, const char *program, long error) {
  char digits[] = "000\n";
  for (long index = 2; index >= 0; index -= 1, error /= 10) digits[index] = (char)('0' + error % 10);
  say("container-init: cannot run ");
  say(program);
  say(": error ");
  say(digits);
  for (;;) call(CALL_EXIT, code, 0, 0);
}

static int digit_of(char hex) {
  if (hex >= '0' && hex <= '9') return hex - '0';
  if (hex >= 'A' && hex <= 'F') return hex - 'A' + 10;
  if (hex >= 'a' && hex <= 'f') return hex - 'a' + 10;
  return -1;
}

static void decode(char *text) {
  char *to = text;
  for (const char *from = text; *from; from += 1) {
    int high = *from == '%' ? digit_of(from[1]) : -1;
    int low = high >= 0 ? digit_of(from[2]) : -1;
    if (*from == '%' && !from[1] && from == text) continue;
    if (low >= 0) from += 2;
    *to++ = low >= 0 ? (char)(high * 16 + low) : *from;
  }
  *to = 0;
}

static long run(const char *path, char **argv, char **environment) {
  return -call(CALL_EXECVE, (long)path, (long)argv, (long)environment);
}

static void link_log(const char *target) { call(CALL_SYMLINKAT, (long)target, HERE, (long)"/dev/log"); }

/* Returns the last error when no directory of the path has a program that runs. */
static long search(const char *path, char **argv, char **environment) {
  long worst = NO_ENTRY;
  while (*path) {
    char file[PATH_LIMIT];
    long end = 0;
    while (*path && *path != ':' && end < PATH_LIMIT - 1) file[end++] = *path++;
    if (*path == ':') path += 1;
    long name = length_of(argv[0]);
    if (end == 0 || end + 1 + name >= PATH_LIMIT) continue;
    file[end] = '/';
    for (long index = 0; index <= name; index += 1) file[end + 1 + index] = argv[0][index];
    long error = run(file, argv, environment);
    if (error != NO_ENTRY && error != NO_DIRECTORY) worst = error;
  }
  return worst;
}

__attribute__((used, noreturn)) void begin(long *stack) {
  long count = stack[0];
  char **words = (char **)(stack + 1);
  char **given = words + count + 1;
  int links = count > 2 && starts_with(words[1], "-l") && !words[1][2];
  if (count < (links ? 5 : 3)) {
    say("usage: container-init [-l TARGET] TYPE PROGRAM [ARGUMENT...]\n");
    for (;;) call(CALL_EXIT, 64, 0, 0);
  }
  for (long index = 1; index < count; index += 1) decode(words[index]);
  if (links) link_log(words[2]);
  if (links) words += 2;

  char type[TYPE_LIMIT] = "container=";
  long end = length_of(type);
  for (const char *from = words[1]; *from && end < TYPE_LIMIT - 1; from += 1) type[end++] = *from;
  type[end] = 0;

  long variables = 0;
  while (given[variables]) variables += 1;
  char *environment[variables + 2];
  const char *path = fallback_path;
  long kept = 0;
  environment[kept++] = type;
  for (long index = 0; index < variables; index += 1) {
    if (starts_with(given[index], "container=")) continue;
    if (starts_with(given[index], "PATH=")) path = given[index] + 5;
    environment[kept++] = given[index];
  }
  environment[kept] = 0;

  char **argv = words + 2;
  int has_slash = 0;
  for (const char *from = argv[0]; *from; from += 1) has_slash |= *from == '/';
  long error = has_slash ? run(argv[0], argv, environment) : search(path, argv, environment);
  finish(error == NO_ENTRY || error == NO_DIRECTORY ? 127 : 126, argv[0], error);
}
