/* The parts of PID 1: what init.c is put together from. */
#ifndef INIT_PARTS_H
#define INIT_PARTS_H

/* True for the first process of the kernel; false for the first process of a pid namespace, whose machine is not its own to change. */
int owns_machine(void);

/* One line for the person at the console, in the kernel's log. At most 200 bytes are kept. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Mounts /proc, /sys, /dev, /dev/pts and /run as far as they are not there, and opens the console. Returns the first thing that failed, or NULL. */
const char *early_mounts(void);

/*
 * Ends every other process, takes all file systems and swap spaces away, writes what is left, and leaves the kernel.
 * poweroff: switch the machine off instead of starting it again.
 */
_Noreturn void take_down(int poweroff);

#endif
