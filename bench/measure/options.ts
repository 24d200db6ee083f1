/** The command line that all benchmarks have: numbers with a default, and `--help`. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';

export interface BenchOption {
  fallback: number;
  /** What it says, in a few words. */
  help: string;
}

/** How a benchmark ends whose arguments are wrong. */
const usage = 64;

/** What a benchmark measures and against what: the comment at the head of its file, as one paragraph. */
export function purposeOf(file: string): string {
  const comment = /^\/\*\*([\s\S]*?)\*\//.exec(readFileSync(file, 'utf8'))?.[1] ?? '';
  return comment
    .split('\n')
    .map((line) => line.replace(/^\s*\*?\s*/, '').trim())
    .filter((line) => line !== '')
    .join(' ');
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError('It has to be a whole number from 1 on.');
  return Number(text);
}

/**
 * Reads the options of a benchmark from the command line. With `--help` it prints what the benchmark measures and its options, and ends
 * the process; with arguments that are wrong it says so and ends it with exit code 64.
 * @param file of the benchmark: `import.meta.filename`
 * @param options by name; none for a benchmark that takes only `--help`
 */
export function readBenchOptions<Name extends string>(
  file: string,
  options: Readonly<Record<Name, BenchOption>>,
): Record<Name, number> {
  const command = new Command(`npm run bench -- ${basename(file, '.ts')}`)
    .description(purposeOf(file))
    .helpOption('-h, --help', 'show this')
    .allowExcessArguments(false)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : usage));
  for (const [name, { fallback, help }] of Object.entries<BenchOption>(options))
    command.option(`--${name} <number>`, help, wholeNumber, fallback);
  return command.parse().opts();
}
