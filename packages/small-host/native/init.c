/*
 * PID 1 of a device. It does little, so that nothing can make it fail: no JavaScript, no memory that grows. The supervisor is the same
 * executable, started as its child; what is decided about it is init-plan.c.
 *
 * They talk over a socket (SOCK_SEQPACKET) whose descriptor the supervisor finds in the variable PANTAVISOR_INIT. Messages to PID 1:
 *
 *   alive                    a sign of life
 *   patience MILLISECONDS    how long there may be none; 0: for ever
 *   watchdog SECONDS PATH    start the hardware's timer; answered by `watchdog SECONDS` as granted, or `watchdog -ERRNO`
 *   feed                     start the time-out of the timer anew
 *   unwatch                  let the timer go
 *
 * The watchdog is PID 1's, so that it goes on over a supervisor's death; it is fed only when the supervisor says so or is started.
 */
#define _GNU_SOURCE
#include "init.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "init-parts.h"
#include "init-plan.h"

enum { MESSAGE = 256 };

/* linux/watchdog.h, which the C library does not bring. */
#define WATCHDOG_FEED _IOR('W', 5, int)
#define WATCHDOG_SET_TIMEOUT _IOWR('W', 6, int)
#define WATCHDOG_GET_TIMEOUT _IOR('W', 7, int)

struct init {
  const char *program;
  char **argv;
  struct init_plan plan;
  pid_t supervisor;
  /* Our end of the socket; -1 when there is no supervisor. */
  int link;
  int signals;
  int watchdog;
  sigset_t mask_before;
};

static int64_t now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void close_one(int *descriptor) {
  if (*descriptor >= 0) close(*descriptor);
  *descriptor = -1;
}

static void feed(struct init *init) {
  if (init->watchdog >= 0) ioctl(init->watchdog, WATCHDOG_FEED, 0);
}

/* The seconds that the driver grants, or a negative errno. */
static int start_watchdog(struct init *init, const char *path, int seconds) {
  if (init->watchdog < 0) init->watchdog = open(path, O_WRONLY | O_CLOEXEC);
  if (init->watchdog < 0) return -errno;
  /* Some drivers count what they count. */
  if (ioctl(init->watchdog, WATCHDOG_SET_TIMEOUT, &seconds) != 0 && errno != EOPNOTSUPP && errno != EINVAL) {
    int error = errno;
    close_one(&init->watchdog);
    return -error;
  }
  ioctl(init->watchdog, WATCHDOG_GET_TIMEOUT, &seconds);
  feed(init);
  return seconds;
}

/* The number after a word and a blank: 1 and what follows it without blanks, or 0. */
static int number_after(char *message, const char *word, long long *number, char **rest) {
  size_t length = strlen(word);
  if (strncmp(message, word, length) != 0 || message[length] != ' ') return 0;
  *number = strtoll(message + length, rest, 10);
  if (*rest == message + length) return 0;
  *rest += strspn(*rest, " ");
  return 1;
}

static void obey(struct init *init, char *message) {
  int64_t now = now_ms();
  long long number;
  char *rest;
  if (strcmp(message, "alive") == 0) plan_alive(&init->plan, now);
  else if (strcmp(message, "feed") == 0) feed(init);
  else if (strcmp(message, "unwatch") == 0) close_one(&init->watchdog);
  else if (number_after(message, "patience", &number, &rest)) plan_patience(&init->plan, now, number);
  else if (number_after(message, "watchdog", &number, &rest) && *rest) {
    char answer[MESSAGE];
    int length = snprintf(answer, sizeof answer, "watchdog %d", start_watchdog(init, rest, (int)number));
    send(init->link, answer, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);
  } else say("cannot understand what the runtime says: %.60s", message);
}

/* Only functions that are safe after fork. */
_Noreturn static void become_supervisor(struct init *init, int link) {
  /* Out of the way of the three that every program has; without close-on-exec, unlike the original. */
  int kept = fcntl(link, F_DUPFD, 3);
  char variable[32];
  int log = owns_machine() ? open("/dev/kmsg", O_WRONLY) : -1;
  if (log > 2) {
    dup2(log, 1);
    dup2(log, 2);
    close(log);
  }
  setsid();
  for (int number = 1; number < 65; number += 1)
    if (number != SIGKILL && number != SIGSTOP) signal(number, SIG_DFL);
  sigprocmask(SIG_SETMASK, &init->mask_before, NULL);
  snprintf(variable, sizeof variable, "%d", kept);
  setenv("PANTAVISOR_INIT", variable, 1);
  setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 0);
  setenv("HOME", "/root", 1);
  execv(init->program, init->argv);
  _exit(127);
}

static int start_supervisor(struct init *init) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return -errno;
  pid_t pid = fork();
  if (pid == 0) become_supervisor(init, ends[1]);
  int error = errno;
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return -error;
  }
  init->link = ends[0];
  init->supervisor = pid;
  feed(init);
  return 0;
}

static void act(struct init *init, int actions) {
  if (actions & PLAN_SAY_HUNG) say("the runtime gives no sign of life: it is started again");
  if (actions & PLAN_SAY_HOPELESS) say("the runtime has ended %d times within minutes: the machine restarts", PLAN_DEATHS);
  if (actions & PLAN_KILL) kill(init->supervisor, SIGKILL);
  if (actions & PLAN_ASK) kill(init->supervisor, init->plan.purpose == PLAN_POWEROFF ? SIGINT : SIGTERM);
  if (actions & PLAN_START) {
    int error = start_supervisor(init);
    if (error != 0) {
      say("cannot start the runtime: %s", strerror(-error));
      act(init, plan_ended(&init->plan, now_ms(), -1));
    }
  }
  if (actions & PLAN_GO_DOWN) {
    feed(init);
    take_down(init->plan.purpose == PLAN_POWEROFF);
  }
}

/* Reaps everything that has ended; most of it are orphans, which nobody asks about. */
static void reap(struct init *init) {
  int status;
  for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
    if (pid != init->supervisor) continue;
    init->supervisor = 0;
    close_one(&init->link);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    int actions = plan_ended(&init->plan, now_ms(), code);
    if (init->plan.phase == PLAN_PAUSE || (actions & PLAN_SAY_HOPELESS)) {
      if (code >= 0) say("the runtime has ended with code %d", code);
      else say("the runtime was ended by signal %d", WTERMSIG(status));
    }
    act(init, actions);
  }
}

/* Signals as the usual init programs take them: the tools reboot, poweroff and halt of busybox rely on it. */
static enum plan_purpose purpose_of(unsigned signal) {
  switch (signal) {
    case SIGTERM:
    case SIGINT: /* Ctrl-Alt-Del */
      return PLAN_REBOOT;
    case SIGUSR1:
    case SIGUSR2:
    case SIGPWR:
      return PLAN_POWEROFF;
    default:
      return PLAN_STAY;
  }
}

static void take_signal(struct init *init) {
  struct signalfd_siginfo info;
  while (read(init->signals, &info, sizeof info) == sizeof info) {
    enum plan_purpose purpose = purpose_of(info.ssi_signo);
    if (purpose != PLAN_STAY) act(init, plan_asked(&init->plan, now_ms(), purpose));
  }
}

static void take_message(struct init *init) {
  char message[MESSAGE + 1];
  ssize_t length = recv(init->link, message, MESSAGE, MSG_DONTWAIT);
  if (length > 0) {
    message[length] = 0;
    obey(init, message);
  } else if (length == 0 || (errno != EAGAIN && errno != EINTR)) close_one(&init->link);
}

static void catch_signals(struct init *init) {
  sigset_t mask;
  sigemptyset(&mask);
  for (int number = 1; number < 65; number += 1)
    if (number == SIGCHLD || purpose_of((unsigned)number) != PLAN_STAY) sigaddset(&mask, number);
  sigprocmask(SIG_BLOCK, &mask, &init->mask_before);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  init->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
  if (init->signals < 0) say("cannot watch for signals: %s", strerror(errno));
}

_Noreturn void init_run(const char *supervisor, char **argv) {
  static struct init init = {.link = -1, .signals = -1, .watchdog = -1};
  init.program = supervisor;
  init.argv = argv;
  const char *failed = early_mounts();
  if (failed) say("cannot mount %s: %s", failed, strerror(errno));
  catch_signals(&init);
  /* Ctrl-Alt-Del becomes SIGINT, so that it stops everything in order. */
  if (owns_machine()) reboot(RB_DISABLE_CAD);
  act(&init, plan_begin(&init.plan, now_ms()));
  for (;;) {
    struct pollfd watched[] = {{.fd = init.signals, .events = POLLIN}, {.fd = init.link, .events = POLLIN}};
    int64_t next = plan_next(&init.plan), wait = next < 0 ? 60000 : next - now_ms();
    poll(watched, 2, wait < 0 ? 0 : wait > 60000 ? 60000 : (int)wait);
    if (watched[1].revents) take_message(&init);
    take_signal(&init);
    reap(&init);
    act(&init, plan_tick(&init.plan, now_ms()));
  }
}
