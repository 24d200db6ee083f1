#ifndef INIT_H
#define INIT_H

/* Whether this process is the machine's first and has to act as such: PID 1, but not of a system that only runs an app engine. */
int init_is_wanted(int argc, char **argv);

/* Is PID 1 for good: mounts what every program needs, keeps the supervisor running, and takes the machine down in the end. */
_Noreturn void init_run(const char *supervisor, char **argv);

#endif
