/* Lets a test ask init-plan.c from outside: one call a line, e.g. `ended 1000 -1`, answered by `ACTIONS PHASE PURPOSE NEXT`. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "../init-plan.h"

int main(void) {
  struct init_plan plan = {0};
  char line[128], call[16];
  while (fgets(line, sizeof line, stdin)) {
    int64_t now = 0, value = 0;
    int actions = 0;
    if (sscanf(line, "%15s %" SCNd64 " %" SCNd64, call, &now, &value) < 2) return 64;
    if (strcmp(call, "begin") == 0) actions = plan_begin(&plan, now);
    else if (strcmp(call, "alive") == 0) plan_alive(&plan, now);
    else if (strcmp(call, "patience") == 0) plan_patience(&plan, now, value);
    else if (strcmp(call, "ended") == 0) actions = plan_ended(&plan, now, (int)value);
    else if (strcmp(call, "asked") == 0) actions = plan_asked(&plan, now, (enum plan_purpose)value);
    else if (strcmp(call, "tick") == 0) actions = plan_tick(&plan, now);
    else return 64;
    printf("%d %d %d %" PRId64 "\n", actions, plan.phase, plan.purpose, plan_next(&plan));
    fflush(stdout);
  }
  return 0;
}
