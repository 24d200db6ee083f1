/*
 * What PID 1 decides about the supervisor: when to start it again, when it hangs, when the machine goes down. Pure: time comes in as
 * milliseconds that only grow, and what has to be done goes out as bits. init.c does it.
 */
#ifndef INIT_PLAN_H
#define INIT_PLAN_H
#include <stdint.h>

enum {
  /* So many deaths within the window, and the machine restarts: what boots next may be an older revision. */
  PLAN_DEATHS = 5,
};

enum plan_phase {
  /* The supervisor does not run; it is started when the pause is over. */
  PLAN_PAUSE,
  PLAN_RUNNING,
  /* It was asked to stop everything and to end. */
  PLAN_ENDING,
  /* It was killed, and its end is on the way. */
  PLAN_KILLED,
  /* The machine goes down. */
  PLAN_DOWN,
};

enum plan_purpose { PLAN_STAY, PLAN_REBOOT, PLAN_POWEROFF };

/* What to do now; several at once. */
enum plan_action {
  PLAN_START = 1,
  PLAN_KILL = 2,
  /* Ask the supervisor to stop everything for `purpose`. */
  PLAN_ASK = 4,
  /* Stop what is left and leave the kernel for `purpose`. */
  PLAN_GO_DOWN = 8,
  /* The supervisor's silence is why it is killed. */
  PLAN_SAY_HUNG = 16,
  /* It has died too often. */
  PLAN_SAY_HOPELESS = 32,
};

struct init_plan {
  enum plan_phase phase;
  enum plan_purpose purpose;
  /* When a phase that does not last for ever is over. */
  int64_t due;
  /* Last sign of life. */
  int64_t alive;
  /* Silence that is too long; 0: no silence is. */
  int64_t hang;
  /* Times of the latest deaths, oldest first. */
  int deaths;
  int64_t died[PLAN_DEATHS];
};

/* The first start. Returns PLAN_START. */
int plan_begin(struct init_plan *plan, int64_t now);

/* The supervisor gives a sign of life. */
void plan_alive(struct init_plan *plan, int64_t now);

/* How long it may be silent from now on, in milliseconds; 0 for ever. */
void plan_patience(struct init_plan *plan, int64_t now, int64_t hang);

/* The supervisor has ended: with an exit code, or by a signal, which is code -1. */
int plan_ended(struct init_plan *plan, int64_t now, int code);

/* Somebody wants the machine to go down. */
int plan_asked(struct init_plan *plan, int64_t now, enum plan_purpose purpose);

/* Time has passed. */
int plan_tick(struct init_plan *plan, int64_t now);

/* When plan_tick has to be called at the latest; -1: not at all. */
int64_t plan_next(const struct init_plan *plan);

#endif
