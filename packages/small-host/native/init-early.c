/* The first steps of PID 1: the file systems that every program takes for granted, and a console. */
#define _GNU_SOURCE
#include "init-parts.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

int owns_machine(void) {
  /* The initial pid namespace has a fixed inode (include/linux/proc_ns.h). */
  struct stat status;
  return stat("/proc/self/ns/pid", &status) == 0 && status.st_ino == 0xEFFFFFFC;
}

void say(const char *format, ...) {
  char text[256] = "<4>pantavisor: ";
  size_t used = strlen(text);
  va_list list;
  va_start(list, format);
  vsnprintf(text + used, 200, format, list);
  va_end(list);
  strcat(text, "\n");
  int log = owns_machine() ? open("/dev/kmsg", O_WRONLY | O_CLOEXEC) : -1;
  const char *from = log < 0 ? text + 3 : text;
  ssize_t written = write(log < 0 ? 2 : log, from, strlen(from));
  (void)written;
  if (log >= 0) close(log);
}

/* As the kernel's own documentation wants them; flags as the original's (boot.md §2). */
static const struct {
  const char *type, *target, *data;
  unsigned long flags;
} mounts[] = {
    {"proc", "/proc", NULL, MS_NODEV | MS_NOSUID | MS_NOEXEC},
    {"sysfs", "/sys", NULL, MS_NODEV | MS_NOSUID | MS_NOEXEC},
    {"devtmpfs", "/dev", "size=10240k,mode=0755", MS_NOSUID},
    {"devpts", "/dev/pts", "gid=5,mode=0620,ptmxmode=0666", MS_NOSUID | MS_NOEXEC},
    {"tmpfs", "/run", "mode=0755", MS_NOSUID | MS_NODEV},
};

static void open_console(void) {
  /* The kernel has opened it already unless the root file system had no /dev/console. */
  int console = fcntl(2, F_GETFD) >= 0 ? -1 : open("/dev/console", O_RDWR | O_NOCTTY);
  if (console < 0) console = open("/dev/null", O_RDWR);
  if (console < 0) return;
  for (int descriptor = 0; descriptor < 3; descriptor += 1)
    if (fcntl(descriptor, F_GETFD) < 0) dup2(console, descriptor);
  if (console > 2) close(console);
}

/* A kernel that panics stands still for ever unless somebody has said how long; a device has to come back. */
static void restart_after_panic(void) {
  char seconds[16] = "";
  int file = open("/proc/sys/kernel/panic", O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  if (read(file, seconds, sizeof seconds - 1) > 0 && strcmp(seconds, "0\n") == 0 && pwrite(file, "5\n", 2, 0) < 0) say("cannot set the time to restart after a panic: %s", strerror(errno));
  close(file);
}

/* By itself the kernel drops what a program says too fast, and with it why a device does not start. */
static void keep_what_is_said(void) {
  char now[16] = "";
  int file = open("/proc/sys/kernel/printk_devkmsg", O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  /* The kernel's parameter printk.devkmsg locks the setting, also for the same value. */
  if (read(file, now, sizeof now - 1) > 0 && strcmp(now, "on\n") == 0) {
    close(file);
    return;
  }
  if (pwrite(file, "on\n", 3, 0) < 0) say("cannot keep all of the log: %s", strerror(errno));
  close(file);
}

const char *early_mounts(void) {
  const char *failed = NULL;
  mkdir("/tmp", 01777);
  for (size_t index = 0; index < sizeof mounts / sizeof *mounts; index += 1) {
    /* A namespace has the rest from its machine, whose mounts are not ours to change. */
    if (index > 0 && !owns_machine()) break;
    mkdir(mounts[index].target, 0755);
    int result = mount(mounts[index].type, mounts[index].target, mounts[index].type, mounts[index].flags, mounts[index].data);
    if (result != 0 && errno != EBUSY && failed == NULL) failed = mounts[index].target;
  }
  if (owns_machine()) {
    /* Programs look for terminals where they always were. */
    if (access("/dev/ptmx", F_OK) != 0 && mknod("/dev/ptmx", S_IFCHR | 0666, makedev(5, 2)) != 0) say("cannot make /dev/ptmx: %s", strerror(errno));
    restart_after_panic();
    keep_what_is_said();
  }
  open_console();
  return failed;
}
