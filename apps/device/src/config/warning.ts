/** What can be wrong with a piece of configuration. Nothing of it stops the device; each names file, line and key. */

/** Stable codes of configuration warnings, with what happened to the setting. */
export const warningCodes = {
  'unknown-key': 'no such key: skipped',
  'level-not-allowed': 'the key cannot be set at this level: skipped',
  'invalid-value': 'the value is not of the kind of the key: skipped, the value before stays',
  'value-dropped': 'unknown items of a list: the known ones were taken',
  'legacy-name': 'an older name of a key: taken',
  'no-equals-sign': 'a line that is neither KEY=VALUE nor a comment: skipped',
  'duplicate-key': 'a key that is set twice in one file: the last value was taken',
  'sysctl-level': 'kernel parameters cannot be set at this level: skipped',
  'sysctl-refused': 'the kernel refused a parameter',
  'unusable-policy-name': 'a policy name that is empty or contains a slash: the next source was asked',
} as const;
export type WarningCode = keyof typeof warningCodes;

export interface ConfigWarning {
  code: WarningCode;
  /** `note`: nothing was lost. */
  severity: 'warning' | 'note';
  /** File path, or `environment`, `kernel command line`, `user metadata`. */
  source: string;
  /** Line in the file, from 1. */
  line?: number;
  key?: string;
  message: string;
  hint?: string;
}

/** One line for the log: `/etc/pantavisor.config:12: PV_LOG_LEVL: cannot use …; hint`. */
export function formatWarning(warning: ConfigWarning): string {
  const place = warning.line === undefined ? warning.source : `${warning.source}:${warning.line}`;
  const key = warning.key === undefined ? '' : `${warning.key}: `;
  return `${place}: ${key}${warning.message}${warning.hint === undefined ? '' : `; ${warning.hint}`}`;
}

function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const change = row[j - 1]! + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[right.length]!;
}

/** The candidate that a mistyped name most likely means, or undefined when none is near. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 5)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= bestDistance) continue;
    const found = distance(name, candidate);
    if (found < bestDistance) [best, bestDistance] = [candidate, found];
  }
  return best;
}
