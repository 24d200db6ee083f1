/* PID 1 of a pid namespace with any program as its supervisor: init-driver PROGRAM [ARGUMENT...] */
#include "../init.h"

int main(int argc, char **argv) {
  if (argc < 2) return 64;
  init_run(argv[1], argv + 1);
}
