/** Command lines without a terminal of Node: plain ECMAScript, for every host. */
export { type CommandSpec, type ExitCode, Input, type Result } from './command.ts';
export type { CandidateSource } from './completion.ts';
export { Failure } from './failure.ts';
export { completionCommand, type Program, requireWords, runProgram } from './program.ts';
export type { Terminal } from './terminal.ts';
