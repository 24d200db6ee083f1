/** Which command may be given when, and what is said if not (control.md: POST /commands). */
import { isStarting, isUpdating, type UpdateModel } from './model.ts';
import type { Progress } from './progress.ts';

/** Every op, in the original's numeric order. Only whole names count; the original also took prefixes. */
export const commandOps = [
  'UPDATE_METADATA',
  'REBOOT_DEVICE',
  'POWEROFF_DEVICE',
  'TRY_ONCE',
  'LOCAL_RUN',
  'MAKE_FACTORY',
  'RUN_GC',
  'ENABLE_SSH',
  'DISABLE_SSH',
  'GO_REMOTE',
  'DEFER_REBOOT',
  'LOCAL_RUN_COMMIT',
  'LOCAL_APPLY',
  'XCONNECT_GRAPH',
  'UNCLAIM',
] as const;
export type CommandOp = (typeof commandOps)[number];

/** The op of this name; undefined when there is none. */
export function parseOp(text: string): CommandOp | undefined {
  return commandOps.find((op) => op === text);
}

/** What admission asks of the rest of the device. */
export interface CommandContext {
  /** The Hub client is switched on. */
  remote: boolean;
  /** PV_CONTROL_REMOTE. */
  remoteAllowed: boolean;
  claimed: boolean;
  /** PV_DEBUG_SHELL. */
  debugShell: boolean;
}

/** `code` is ours and stable, status and text are the original's. Seconds in `retryAfter`. */
export type CommandVerdict =
  | { ok: true }
  | { ok: false; code: CommandRefusal; status: 204 | 400 | 409 | 503; text: string; retryAfter?: number };

interface Question {
  op: CommandOp;
  payload: string;
  model: UpdateModel;
  context: CommandContext;
  /** Of the revision in the payload. */
  progress: Progress | undefined;
}

interface Rule {
  code: string;
  status: 204 | 400 | 409 | 503;
  text: string;
  retryAfter?: number;
  when(question: Question): boolean;
}

/** Ops that cannot go together with an update in hand. */
const disturbing: readonly CommandOp[] = [
  'REBOOT_DEVICE',
  'POWEROFF_DEVICE',
  'LOCAL_RUN',
  'LOCAL_RUN_COMMIT',
  'TRY_ONCE',
  'LOCAL_APPLY',
  'MAKE_FACTORY',
  'UNCLAIM',
];
const needsRevision: readonly CommandOp[] = ['LOCAL_RUN', 'LOCAL_RUN_COMMIT', 'TRY_ONCE', 'LOCAL_APPLY'];
const updating: readonly CommandOp[] = [...needsRevision, 'MAKE_FACTORY'];

/** The rules in their order; the first that holds refuses. */
export const admissionTable = [
  {
    code: 'payload-missing',
    status: 400,
    text: 'Command has bad format',
    when: ({ op, payload }) =>
      (needsRevision.includes(op) && payload === '') || (op === 'DEFER_REBOOT' && parseSeconds(payload) === undefined),
  },
  {
    code: 'local-mode',
    status: 409,
    text: 'Cannot do this operation while on local mode',
    when: ({ op, context }) => op === 'UPDATE_METADATA' && !context.remote,
  },
  {
    code: 'update-ongoing',
    status: 503,
    text: 'Cannot do this operation while update is ongoing',
    retryAfter: 600,
    when: ({ op, model }) => disturbing.includes(op) && isUpdating(model),
  },
  {
    code: 'already-claimed',
    status: 409,
    text: 'Cannot do this operation if device is already claimed',
    when: ({ op, context }) => op === 'MAKE_FACTORY' && context.claimed,
  },
  {
    code: 'factory-source-untested',
    status: 409,
    text: 'Cannot make a revision the factory revision that was never tested while the factory revision is the rollback point',
    when: isUntestedFactory,
  },
  {
    code: 'remote-disabled',
    status: 409,
    text: 'Cannot do this operation when remote mode is disabled by config',
    when: ({ op, context }) => op === 'GO_REMOTE' && !context.remoteAllowed,
  },
  {
    code: 'no-debug-shell',
    status: 409,
    text: 'Cannot do this operation when debug shell is not active',
    when: ({ op, context }) => op === 'DEFER_REBOOT' && !context.debugShell,
  },
  {
    code: 'already-remote',
    status: 204,
    text: 'Already in remote mode',
    when: ({ op, context }) => op === 'GO_REMOTE' && context.remote,
  },
  {
    code: 'already-unclaimed',
    status: 204,
    text: 'Device is already unclaimed',
    when: ({ op, context }) => op === 'UNCLAIM' && !context.claimed,
  },
  {
    code: 'command-pending',
    status: 503,
    text: 'A command is already in progress. Try again',
    retryAfter: 120,
    when: ({ op, model }) =>
      isStarting(model) ||
      // The end of the last update is still to be stored; a new one would be accepted and not begun.
      (updating.includes(op) && model.unstored.length > 0) ||
      (op !== 'DEFER_REBOOT' && (model.command !== undefined || model.restart !== undefined)),
  },
] as const satisfies readonly Rule[];
export type CommandRefusal = (typeof admissionTable)[number]['code'];

/** Reads the table: accepted, or refused with status, text and the seconds after which to try again. */
export function admitCommand(question: Question): CommandVerdict {
  const rules: readonly (Rule & { code: CommandRefusal })[] = admissionTable;
  const rule = rules.find(({ when }) => when(question));
  if (rule === undefined) return { ok: true };
  const { code, status, text, retryAfter } = rule;
  return { ok: false, code, status, text, ...(retryAfter === undefined ? {} : { retryAfter }) };
}

/** With revision 0 as the rollback point its replacement has no net below it, so it must have proven itself before. */
function isUntestedFactory({ op, payload, model, progress }: Question): boolean {
  const { environment } = model;
  if (op !== 'MAKE_FACTORY' || environment === undefined || environment.committed !== '0') return false;
  if (payload === '' || payload === '0' || payload === environment.running) return false;
  return progress?.status !== 'DONE' && progress?.status !== 'UPDATED';
}

/** Payload of DEFER_REBOOT: whole seconds. */
export function parseSeconds(payload: string): number | undefined {
  return /^\s*\d{1,9}\s*$/.test(payload) ? Number(payload) : undefined;
}
