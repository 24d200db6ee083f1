import { makeProgram } from './commands/program.ts';

const stopped = new Promise<void>((resolve) => {
  process.once('SIGTERM', () => resolve());
  process.once('SIGINT', () => resolve());
});

const program = makeProgram(
  { print: (line) => process.stdout.write(`${line}\n`), untilStopped: () => stopped },
  process.env,
);
try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`pantahub: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
