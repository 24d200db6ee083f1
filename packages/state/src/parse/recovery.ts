/** `auto_recovery` of containers and groups (state-format §5.4). */
import type { Fields } from '../fields.ts';
import type { AutoRecovery, BackoffPolicy } from '../model.ts';
import { quote } from '../report.ts';

const policies = ['no', 'always', 'on-failure', 'unless-stopped'] as const;

const unitSeconds: Record<string, number> = { '': 1, s: 1, min: 60, h: 3600 };

/** What holds when nothing is said: no recovery. */
export function noRecovery(): AutoRecovery {
  return {
    policy: 'no',
    maxRetries: 0,
    retryDelay: 0,
    backoffFactor: 0,
    resetWindow: 0,
    stableTimeout: 0,
    backoffPolicy: { kind: 'reboot' },
  };
}

/** Reads `auto_recovery`; absent members have their defaults, doubtful ones are reported and have them too. */
export function readRecovery(fields: Fields): AutoRecovery {
  const recovery = noRecovery();
  recovery.policy = fields.word('policy', policies, 'recovery-policy-unknown') ?? recovery.policy;
  recovery.maxRetries = fields.count('max_retries') ?? recovery.maxRetries;
  recovery.retryDelay = fields.count('retry_delay') ?? recovery.retryDelay;
  recovery.backoffFactor = fields.factor('backoff_factor') ?? recovery.backoffFactor;
  recovery.resetWindow = fields.count('reset_window') ?? recovery.resetWindow;
  recovery.stableTimeout = fields.count('stable_timeout') ?? recovery.stableTimeout;
  recovery.backoffPolicy = readBackoff(fields) ?? recovery.backoffPolicy;
  return recovery;
}

/**
 * `reboot`, `never` or a whole number with a unit; an unknown unit means seconds and no number means `reboot`, as the
 * original reads it.
 */
function readBackoff(fields: Fields): BackoffPolicy | undefined {
  const place = fields.get('backoff_policy');
  const text = place?.node.kind === 'number' ? place.node.text : fields.string('backoff_policy');
  if (text === undefined) return undefined;
  if (text === 'reboot' || text === 'never') return { kind: text };
  const match = /^([0-9]{1,9})\s*(.*)$/.exec(text);
  const unit = match?.[2] ?? '';
  const known = Object.hasOwn(unitSeconds, unit);
  if (!match || !known) {
    const meaning = match ? 'the number is taken as seconds' : 'it is taken as reboot';
    fields.report.add(
      'recovery-backoff-invalid',
      fields.spot('backoff_policy'),
      `the backoff policy ${quote(text)} is unknown; ${meaning}`,
      'write reboot, never, or a duration such as 30s, 10min, 1h',
    );
  }
  if (!match) return { kind: 'reboot' };
  return { kind: 'after', seconds: Number(match[1]) * (known ? (unitSeconds[unit] ?? 1) : 1) };
}
