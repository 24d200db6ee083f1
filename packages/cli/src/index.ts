/** Mechanics of command lines: a table of commands drives parsing, help, completion and suggestions. */
export { type CommandSpec, type Example, type ExitCode, type Flag, Input, type Result } from './command.ts';
export type { CandidateSource } from './completion.ts';
export { Failure, type FailureOptions } from './failure.ts';
export { processTerminal } from './node-terminal.ts';
export {
  type Cell,
  createProgressBar,
  formatBytes,
  formatTable,
  nearest,
  type Output,
  type ProgressBar,
  painter,
  printable,
  type Style,
} from './output.ts';
export {
  completionCommand,
  type Program,
  printResult,
  requireWords,
  runProgram,
  versionCommand,
} from './program.ts';
export type { Terminal } from './terminal.ts';
