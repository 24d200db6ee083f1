#include "init-plan.h"
#include <string.h>

enum {
  /* How the supervisor says that the machine is to go down; the same codes as everywhere (apps/device/src/boot/exit-codes.ts). */
  CODE_REBOOT = 0,
  CODE_POWEROFF = 3,
};

/* Milliseconds. */
static const int64_t
    death_window = 300000,
    first_pause = 200,
    longest_pause = 5000,
    usual_patience = 60000,
    /* The supervisor stops containers in order; each has its own time limit. */
    time_to_end = 180000;

static int go_down(struct init_plan *plan, enum plan_purpose purpose) {
  plan->phase = PLAN_DOWN;
  plan->purpose = purpose;
  return PLAN_GO_DOWN;
}

static int start(struct init_plan *plan, int64_t now) {
  plan->phase = PLAN_RUNNING;
  plan->alive = now;
  return PLAN_START;
}

int plan_begin(struct init_plan *plan, int64_t now) {
  memset(plan, 0, sizeof *plan);
  plan->hang = usual_patience;
  return start(plan, now);
}

void plan_alive(struct init_plan *plan, int64_t now) { plan->alive = now; }

void plan_patience(struct init_plan *plan, int64_t now, int64_t hang) {
  plan->hang = hang < 0 ? 0 : hang;
  plan->alive = now;
}

static void forget_old_deaths(struct init_plan *plan, int64_t now) {
  int old = 0;
  while (old < plan->deaths && now - plan->died[old] > death_window) old += 1;
  plan->deaths -= old;
  memmove(plan->died, plan->died + old, (size_t)plan->deaths * sizeof *plan->died);
}

int plan_ended(struct init_plan *plan, int64_t now, int code) {
  if (plan->phase == PLAN_DOWN) return 0;
  if (plan->purpose != PLAN_STAY) return go_down(plan, plan->purpose);
  /* One that was killed for its silence may have been about to say so; its last word counts. */
  if (code == CODE_REBOOT) return go_down(plan, PLAN_REBOOT);
  if (code == CODE_POWEROFF) return go_down(plan, PLAN_POWEROFF);

  forget_old_deaths(plan, now);
  plan->died[plan->deaths] = now;
  plan->deaths += 1;
  if (plan->deaths == PLAN_DEATHS) return PLAN_SAY_HOPELESS | go_down(plan, PLAN_REBOOT);
  int64_t pause = first_pause << (2 * (plan->deaths - 1));
  plan->phase = PLAN_PAUSE;
  plan->due = now + (pause < longest_pause ? pause : longest_pause);
  return 0;
}

int plan_asked(struct init_plan *plan, int64_t now, enum plan_purpose purpose) {
  if (plan->phase == PLAN_DOWN || plan->purpose != PLAN_STAY) return 0;
  if (plan->phase == PLAN_PAUSE) return go_down(plan, purpose);
  plan->purpose = purpose;
  if (plan->phase == PLAN_KILLED) return 0;
  plan->phase = PLAN_ENDING;
  plan->due = now + time_to_end;
  return PLAN_ASK;
}

int plan_tick(struct init_plan *plan, int64_t now) {
  int64_t due = plan_next(plan);
  if (due < 0 || now < due) return 0;
  switch (plan->phase) {
    case PLAN_PAUSE:
      return start(plan, now);
    case PLAN_RUNNING:
      plan->phase = PLAN_KILLED;
      return PLAN_KILL | PLAN_SAY_HUNG;
    case PLAN_ENDING:
      plan->phase = PLAN_KILLED;
      return PLAN_KILL;
    default:
      return 0;
  }
}

int64_t plan_next(const struct init_plan *plan) {
  switch (plan->phase) {
    case PLAN_RUNNING:
      return plan->hang > 0 ? plan->alive + plan->hang : -1;
    case PLAN_PAUSE:
    case PLAN_ENDING:
      return plan->due;
    default:
      return -1;
  }
}
