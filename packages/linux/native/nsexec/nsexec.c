/*
 * nsexec: does one thing inside the namespaces of another process.
 *
 *   nsexec PID NAMESPACES exec PROGRAM [ARGUMENT…]   runs the program there
 *   nsexec PID NAMESPACES open PATH                  opens a file there for reading
 *   nsexec PID NAMESPACES connect PATH               connects to a unix stream socket there
 *   nsexec PID NAMESPACES listen PATH MODE           makes a listening unix stream socket there, replacing an old one
 *   nsexec PID mnt mount PATH TARGET                 mounts what is at PATH there, with all below it, at TARGET here
 *
 * NAMESPACES: a comma list of mnt,net,uts,ipc,pid,cgroup. The verbs open, connect and listen send the descriptor to the unix socket
 * that this program inherits as descriptor 3, with one byte of data, and end.
 *
 * A program of its own, because setns(2) of a mount namespace and fork are not for a process with threads; static, so that it
 * needs nothing of the namespace it enters. Exit status: 125 when this program fails, 126 and 127 as a shell's when PROGRAM
 * cannot be run or found, else PROGRAM's own (128 + number when a signal ended it).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FAILED = 125, NOT_RUNNABLE = 126, NOT_FOUND = 127, ANSWER = 3 };

struct space {
  const char *name;
  int kind;
  int descriptor;
};

static void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
static void die(const char *format, ...) {
  int error = errno;
  va_list values;
  va_start(values, format);
  fputs("nsexec: cannot ", stderr);
  vfprintf(stderr, format, values);
  fprintf(stderr, ": %s\n", strerror(error));
  va_end(values);
  exit(FAILED);
}

static void usage(void) __attribute__((noreturn));
static void usage(void) {
  fputs("usage: nsexec PID mnt,net,uts,ipc,pid,cgroup exec PROGRAM [ARGUMENT...] | open PATH | connect PATH | listen PATH MODE | mount PATH TARGET\n",
        stderr);
  exit(FAILED);
}

static pid_t parse_pid(const char *text) {
  char *end;
  errno = 0;
  long pid = strtol(text, &end, 10);
  if (errno || *end || end == text || pid <= 0 || pid > INT32_MAX) usage();
  return (pid_t)pid;
}

static bool is_running(int process) {
  struct pollfd state = {.fd = process, .events = POLLIN};
  return poll(&state, 1, 0) == 0;
}

/* The mount namespace comes last: after it, /proc shows other processes. */
static void enter(pid_t pid, char *list, struct space *spaces, size_t count) {
  int process = (int)syscall(SYS_pidfd_open, pid, 0);
  if (process < 0) die("find process %d", pid);
  for (char *name = strtok(list, ","); name; name = strtok(NULL, ",")) {
    struct space *space = spaces;
    while (space < spaces + count && strcmp(space->name, name) != 0) space += 1;
    if (space == spaces + count) usage();
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, name);
    if (space->descriptor < 0) space->descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (space->descriptor < 0) die("open %s", path);
  }
  /* Still alive now: then the pid was not given to another process while the files were opened. */
  if (!is_running(process)) {
    errno = ESRCH;
    die("enter process %d", pid);
  }
  close(process);
  for (size_t index = 0; index < count; index += 1) {
    if (spaces[index].descriptor < 0) continue;
    if (setns(spaces[index].descriptor, spaces[index].kind) < 0) die("enter the %s namespace of process %d", spaces[index].name, pid);
    close(spaces[index].descriptor);
  }
}

static struct sockaddr_un address_of(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    die("use socket %s", path);
  }
  strcpy(address.sun_path, path);
  return address;
}

static int stream_socket(void) {
  int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) die("make a socket");
  return descriptor;
}

static int do_connect(const char *path) {
  struct sockaddr_un address = address_of(path);
  int descriptor = stream_socket();
  if (connect(descriptor, (struct sockaddr *)&address, sizeof address) < 0) die("connect to %s", path);
  return descriptor;
}

static int do_listen(const char *path, const char *mode_text) {
  char *end;
  unsigned long mode = strtoul(mode_text, &end, 8);
  if (*end || end == mode_text || mode > 07777) usage();
  struct sockaddr_un address = address_of(path);
  struct stat old;
  if (lstat(path, &old) == 0 && S_ISSOCK(old.st_mode) && unlink(path) < 0) die("replace socket %s", path);
  int descriptor = stream_socket();
  /* Through the umask: between bind and chmod nobody else could connect. */
  umask(0777 & ~(mode_t)mode);
  if (bind(descriptor, (struct sockaddr *)&address, sizeof address) < 0) die("make socket %s", path);
  if (listen(descriptor, SOMAXCONN) < 0) die("listen on %s", path);
  return descriptor;
}

/* Numbers of the kernel's interface (open_tree(2), move_mount(2)) that not every C library's headers have. */
enum { TREE_CLONE = 1, TREE_RECURSIVE = 0x8000, MOVE_EMPTY_PATH = 4 };

static int do_clone(const char *path) {
  int tree = (int)syscall(SYS_open_tree, AT_FDCWD, path, TREE_CLONE | TREE_RECURSIVE | O_CLOEXEC);
  if (tree < 0) die("take a copy of the mount at %s", path);
  return tree;
}

static void do_mount(int tree, int home, const char *target) {
  if (setns(home, CLONE_NEWNS) < 0) die("return to the own mount namespace");
  if (syscall(SYS_move_mount, tree, "", AT_FDCWD, target, MOVE_EMPTY_PATH) < 0) die("mount on %s", target);
}

static void answer(int descriptor) {
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control = {0};
  char byte = 0;
  struct iovec part = {.iov_base = &byte, .iov_len = 1};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  control.header.cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(&control.header), &descriptor, sizeof descriptor);
  if (sendmsg(ANSWER, &message, MSG_NOSIGNAL) != 1) die("send the descriptor to descriptor %d", ANSWER);
}

/* A pid namespace holds only children made after setns(2), so a child runs the program and this process takes over its end. */
static int run(char **argv) {
  pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) {
    execvp(argv[0], argv);
    int status = errno == ENOENT ? NOT_FOUND : NOT_RUNNABLE;
    fprintf(stderr, "nsexec: cannot run %s: %s\n", argv[0], strerror(errno));
    _exit(status);
  }
  /* The terminal's signals go to both; the program decides what they mean. */
  signal(SIGINT, SIG_IGN);
  signal(SIGQUIT, SIG_IGN);
  int status;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) die("wait for %s", argv[0]);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char **argv) {
  struct space spaces[] = {{"cgroup", CLONE_NEWCGROUP, -1}, {"ipc", CLONE_NEWIPC, -1}, {"uts", CLONE_NEWUTS, -1},
                           {"net", CLONE_NEWNET, -1},       {"pid", CLONE_NEWPID, -1}, {"mnt", CLONE_NEWNS, -1}};
  if (argc < 5) usage();
  const char *verb = argv[3];
  int operands = argc - 4;
  bool runs = strcmp(verb, "exec") == 0;
  bool opens = strcmp(verb, "open") == 0 && operands == 1;
  bool connects = strcmp(verb, "connect") == 0 && operands == 1;
  bool listens = strcmp(verb, "listen") == 0 && operands == 2;
  bool mounts = strcmp(verb, "mount") == 0 && operands == 2 && strcmp(argv[2], "mnt") == 0;
  if (!runs && !opens && !connects && !listens && !mounts) usage();
  int home = mounts ? open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC) : -1;
  if (mounts && home < 0) die("open the own mount namespace");
  enter(parse_pid(argv[1]), argv[2], spaces, sizeof spaces / sizeof *spaces);
  if (runs) return run(argv + 4);
  if (mounts) {
    do_mount(do_clone(argv[4]), home, argv[5]);
    return 0;
  }
  int descriptor;
  if (opens) {
    descriptor = open(argv[4], O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (descriptor < 0) die("open %s", argv[4]);
  } else if (connects) {
    descriptor = do_connect(argv[4]);
  } else {
    descriptor = do_listen(argv[4], argv[5]);
  }
  answer(descriptor);
  return 0;
}
