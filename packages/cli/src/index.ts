/** Mechanics of command lines: a table of commands drives parsing, help, completion and suggestions. */
export { type CommandSpec, type Example, type ExitCode, type Flag, Input, type Result } from './command.ts';
export { type CandidateSource, completionScript, findCandidates, type Shell, shells } from './completion.ts';
export { Failure, type FailureOptions } from './failure.ts';
export { helpText } from './help.ts';
export { type Parsed, parseCommandLine } from './parse.ts';
export { createProgressBar, type ProgressBar } from './progress.ts';
export { nearest } from './suggest.ts';
export { type Cell, formatBytes, formatTable, printable } from './table.ts';
export { type Output, painter, processTerminal, type Style, type Terminal } from './terminal.ts';
