/** Exit codes of pvcontrol, which scripts depend on (tools.md §6). */

export interface ExitCode {
  code: number;
  meaning: string;
}

export const exitCodes = {
  success: { code: 0, meaning: 'the device answered with status 200' },
  failed: {
    code: 1,
    meaning: 'wrong usage or no command at all, no socket, no answer, or a file that cannot be read or written',
  },
  noSpace: { code: 48, meaning: 'not enough disk space on the device' },
  checksum: { code: 60, meaning: 'an object has another checksum than its name' },
  verification: { code: 70, meaning: 'the state of a step was not accepted as signed' },
  busy: { code: 75, meaning: 'the device is busy (status 503): try again later' },
  other: { code: 255, meaning: 'any other answer than status 200' },
} as const satisfies Record<string, ExitCode>;

const byText: Readonly<Record<string, ExitCode>> = {
  'Not enough disk space available': exitCodes.noSpace,
  'Object has bad checksum': exitCodes.checksum,
  'State verification has failed': exitCodes.verification,
};

/**
 * The exit code of an answer.
 * @param text text of the error body, when it has one
 */
export function exitCodeOf(status: number, text: string | undefined): number {
  if (status === 200) return exitCodes.success.code;
  if (status === 503) return exitCodes.busy.code;
  return (byText[text ?? ''] ?? exitCodes.other).code;
}
