/*
 * The way down: every process ended, every file system taken away, everything written. What cannot be unmounted is made read-only, and
 * what cannot even be that is at least synced.
 */
#define _GNU_SOURCE
#include "init-parts.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
  /* Rounds of a twentieth of a second that processes have to end by themselves. */
  ROUNDS_TO_END = 40,
  ROUNDS_TO_DIE = 40,
  /* A mount below another goes with the next round, as does one on a loop device in another file system. */
  ROUNDS_TO_UNMOUNT = 8,
  MOST_MOUNTS = 512,
};

/* struct dm_ioctl and its command to remove all unused devices (linux/dm-ioctl.h), which the C library does not bring. */
struct mapper_request {
  uint32_t version[3], data_size, data_start, rest[73];
};
#define MAPPER_REMOVE_ALL _IOWR(0xfd, 1, struct mapper_request)
_Static_assert(sizeof(struct mapper_request) == 312, "as the kernel has it");

static void pause_shortly(void) {
  struct timespec time = {.tv_nsec = 50 * 1000 * 1000};
  nanosleep(&time, NULL);
}

/* Whether any process but this one is left, after reaping those that have ended. */
static int anybody_left(void) {
  for (;;) {
    pid_t pid = waitpid(-1, NULL, WNOHANG);
    if (pid <= 0) return pid == 0;
  }
}

static void end_processes(void) {
  kill(-1, SIGTERM);
  kill(-1, SIGCONT);
  for (int round = 0; round < ROUNDS_TO_END && anybody_left(); round += 1) pause_shortly();
  /* Once more each time: a process may have been about to fork. */
  for (int round = 0; round < ROUNDS_TO_DIE; round += 1) {
    kill(-1, SIGKILL);
    if (!anybody_left()) return;
    pause_shortly();
  }
}

/* Undoes the octal escapes of /proc/mounts (getmntent(3)). */
static void unescape(char *text) {
  char *to = text;
  for (char *from = text; *from; from += 1) {
    int is_escape = from[0] == '\\' && from[1] && from[2] && from[3];
    *to++ = is_escape ? (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0')) : *from;
    if (is_escape) from += 3;
  }
  *to = 0;
}

/* The kernel's own file systems hold nothing and are needed to the end. */
static int is_kernels_own(const char *target) {
  return strcmp(target, "/") == 0 || strcmp(target, "/proc") == 0 || strcmp(target, "/dev") == 0 || strcmp(target, "/sys") == 0;
}

/* Mount points, oldest first; the caller frees each. */
static int read_mounts(char *targets[MOST_MOUNTS]) {
  char *line = NULL;
  size_t room = 0;
  int count = 0;
  FILE *table = fopen("/proc/self/mounts", "re");
  if (!table) return 0;
  while (count < MOST_MOUNTS && getline(&line, &room, table) > 0) {
    char *target = strchr(line, ' ');
    char *end = target ? strchr(target + 1, ' ') : NULL;
    if (!end) continue;
    *end = 0;
    unescape(target + 1);
    if (is_kernels_own(target + 1)) continue;
    targets[count] = strdup(target + 1);
    if (targets[count]) count += 1;
  }
  free(line);
  fclose(table);
  return count;
}

static void leave_swap(void) {
  char line[512];
  FILE *table = fopen("/proc/swaps", "re");
  if (!table) return;
  if (fgets(line, sizeof line, table))
    while (fgets(line, sizeof line, table)) {
      /* The name is the first word. */
      line[strcspn(line, " \t\n")] = 0;
      if (*line && swapoff(line) != 0) say("cannot leave the swap space %s: %s", line, strerror(errno));
    }
  fclose(table);
}

/* Mapped devices that nobody uses any more let go of what they lie on. */
static void remove_mapped_devices(void) {
  int control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
  if (control < 0) return;
  struct mapper_request request = {.version = {4, 0, 0}, .data_size = sizeof request, .data_start = sizeof request};
  ioctl(control, MAPPER_REMOVE_ALL, &request);
  close(control);
}

/* Returns how many are left. */
static int unmount_all(int last) {
  char *targets[MOST_MOUNTS];
  int count = read_mounts(targets), left = 0;
  for (int index = count - 1; index >= 0; index -= 1) {
    if (umount2(targets[index], UMOUNT_NOFOLLOW) != 0) {
      left += 1;
      if (last) {
        say("cannot unmount %s: %s; it stays, read-only", targets[index], strerror(errno));
        if (owns_machine()) mount(NULL, targets[index], NULL, MS_REMOUNT | MS_RDONLY, NULL);
      }
    }
    free(targets[index]);
  }
  return left;
}

_Noreturn void take_down(int poweroff) {
  say(poweroff ? "switching the machine off" : "restarting the machine");
  end_processes();
  sync();
  if (owns_machine()) leave_swap();
  if (chdir("/") != 0) say("cannot go to /");
  for (int round = 1; round <= ROUNDS_TO_UNMOUNT; round += 1) {
    if (unmount_all(round == ROUNDS_TO_UNMOUNT) == 0) break;
    if (owns_machine()) remove_mapped_devices();
    pause_shortly();
  }
  sync();
  reboot(poweroff ? RB_POWER_OFF : RB_AUTOBOOT);
  /* A machine that cannot switch itself off halts; one that cannot restart has only its watchdog left. */
  reboot(RB_HALT_SYSTEM);
  for (;;) pause();
}
