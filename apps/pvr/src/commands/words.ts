/** Arguments and results of commands. */
import { Failure, type Input, type Result } from '@pantavisor/cli';

/** The result of a command that succeeded silently. */
export const nothingToSay: Result = { text: '', json: {} };

/**
 * The arguments of a command, as many as it needs.
 * @throws Failure `usage` when some are missing
 */
export function words<const N extends readonly string[]>(
  input: Input,
  command: string,
  names: N,
  exitCode: number,
): { [K in keyof N]: string } {
  const missing = names[input.values.length];
  if (missing !== undefined)
    throw new Failure('usage', `cannot run '${command}': <${missing}> is missing`, {
      exitCode,
      hint: `'pvr ${command} --help' shows how`,
    });
  return input.values.slice(0, names.length) as { [K in keyof N]: string };
}
