/* The compiled JavaScript programs that are linked into the executable. Made by src/build/programs.ts. */
#pragma once

struct program {
  /* How it is called in stack traces, e.g. pantavisor.js. */
  const char *file;
  /* Names of the executable that start it, each with a blank before and behind; empty for the program of every other name. */
  const char *names;
  /* The bytecode. */
  const unsigned char *code, *code_end;
};

/* Ends with an entry without a file; the one of every other name is the last before. */
extern const struct program programs[];
