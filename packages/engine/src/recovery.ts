/**
 * What to do about a container that ended without being asked to (containers.md §4.1, with exit codes as the documentation
 * promises them).
 *
 * | Policy | Exit 0 after its goal | Exit 0 before its goal, other codes, signals, unknown | Could not be started |
 * |---|---|---|---|
 * | `no` | nothing recovers it | nothing recovers it | nothing recovers it |
 * | `on-failure` | completed: stays STOPPED, nobody waits for it | retry | retry |
 * | `always`, `unless-stopped` | retry | retry | retry |
 *
 * "Nothing recovers it" fails the revision: rollback in an update, reboot otherwise; so do used-up retries with the backoff policy
 * `reboot`. One exception, in favour of the other containers: outside an update a container that cannot even be started stays
 * STOPPED with its reason, since a reboot cannot repair a file. A stop asked for by a person never comes here.
 */
import type { AutoRecovery, RecoveryPolicy } from '@pantavisor/state';
import type { ExitStatus, Reason } from './protocol.ts';

/** Limits that the state format does not set. */
export const recoveryLimits = {
  /** Longest pause before a retry: backoff grows without end, timers do not. */
  longestDelayMs: 24 * 3600 * 1000,
  /** A container without retry delay that lived shorter than this would spin; it gets the pause below. */
  shortLifeMs: 1000,
  shortLifePauseMs: 250,
} as const;

/** How the run ended. */
export type Outcome = { kind: 'exit'; exit: ExitStatus; goalReached: boolean } | { kind: 'not-started' };

export interface RecoveryQuestion {
  rule: AutoRecovery;
  outcome: Outcome;
  /** Retries used so far. */
  retries: number;
  /** When the run was launched, undefined when it never came so far. */
  launchedAt: number | undefined;
  at: number;
  /** An update is trying the revision. */
  trial: boolean;
}

export type RecoveryVerdict =
  | { kind: 'completed' }
  /** Start again after the delay; 0 means at once. */
  | { kind: 'retry'; retries: number; delayMs: number }
  /** Retries are used up: stay stopped. */
  | { kind: 'give-up'; code: Reason['code']; why: string }
  /** The revision cannot hold. */
  | { kind: 'fail'; code: Reason['code']; why: string };

const isSuccess = (outcome: Outcome): boolean =>
  outcome.kind === 'exit' && outcome.exit.kind === 'code' && outcome.exit.code === 0 && outcome.goalReached;

const policyAnswer: { readonly [P in RecoveryPolicy]: (outcome: Outcome) => 'retry' | 'completed' | 'none' } = {
  no: () => 'none',
  'on-failure': (outcome) => (isSuccess(outcome) ? 'completed' : 'retry'),
  always: () => 'retry',
  'unless-stopped': () => 'retry',
};

/** Decides from the rule, the way the run ended and what happened before. Pure; times in milliseconds, rule times in seconds. */
export function decideRecovery(question: RecoveryQuestion): RecoveryVerdict {
  const { rule, outcome, at, trial, launchedAt } = question;
  const answer = policyAnswer[rule.policy](outcome);
  if (answer === 'completed') return { kind: 'completed' };
  if (answer === 'none') return unrecovered(question);

  const windowPassed = rule.resetWindow > 0 && launchedAt !== undefined && at - launchedAt > rule.resetWindow * 1000;
  const used = windowPassed ? 0 : question.retries;
  if (rule.maxRetries > 0 && used >= rule.maxRetries) return exhausted(rule, outcome, trial);

  const retries = used + 1;
  return {
    kind: 'retry',
    retries,
    delayMs: delayBefore(rule, retries, launchedAt === undefined ? 0 : at - launchedAt),
  };
}

function unrecovered({ outcome, trial }: RecoveryQuestion): RecoveryVerdict {
  if (outcome.kind === 'exit')
    return {
      kind: 'fail',
      code: 'container-exited',
      why: `ended (${describeExit(outcome.exit)}) and nothing recovers it`,
    };
  const why = 'could not be started and nothing recovers it';
  return { kind: trial ? 'fail' : 'give-up', code: 'container-not-startable', why };
}

function exhausted({ backoffPolicy, maxRetries }: AutoRecovery, outcome: Outcome, trial: boolean): RecoveryVerdict {
  const why = `used up its ${maxRetries} retries`;
  const reboots = backoffPolicy.kind === 'reboot';
  if (trial || (reboots && outcome.kind === 'exit')) return { kind: 'fail', code: 'retries-exhausted', why };
  if (reboots || backoffPolicy.kind === 'never') return { kind: 'give-up', code: 'retries-exhausted', why };
  return { kind: 'retry', retries: 0, delayMs: Math.min(backoffPolicy.seconds * 1000, recoveryLimits.longestDelayMs) };
}

function delayBefore(rule: AutoRecovery, retries: number, livedMs: number): number {
  const factor = retries > 1 && rule.backoffFactor > 1 ? rule.backoffFactor ** (retries - 1) : 1;
  const delayMs = Math.min(Math.trunc(rule.retryDelay * factor) * 1000, recoveryLimits.longestDelayMs);
  return delayMs === 0 && livedMs < recoveryLimits.shortLifeMs ? recoveryLimits.shortLifePauseMs : delayMs;
}

/** An exit in words: `code 1`, `signal SIGKILL`, `exit status unknown`. */
export function describeExit(exit: ExitStatus): string {
  if (exit.kind === 'code') return `code ${exit.code}`;
  return exit.kind === 'signal' ? `signal ${exit.signal}` : 'exit status unknown';
}
