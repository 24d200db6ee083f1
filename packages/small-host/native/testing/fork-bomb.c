/* Forks as fast as it can, and so does every child, none of which listens to anybody; the first ends with code 3 when there is no room left. */
#include <signal.h>
#include <unistd.h>

int main(void) {
  pid_t first = getpid();
  for (int number = 1; number < 65; number += 1) signal(number, SIG_IGN);
  for (;;) {
    if (fork() < 0 && getpid() == first) return 3;
  }
}
