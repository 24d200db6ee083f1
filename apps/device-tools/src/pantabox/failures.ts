/** Failures in words that say what to do, and the exit codes that scripts go by. */
import type { ExitCode } from '@pantavisor/cli/portable';
import { Failure } from '@pantavisor/cli/portable';
import { type RefusalCode, refusalByText } from '@pantavisor/ctrl-api';
import { ControlError, ExchangeError } from '@pantavisor/ctrl-api/portable';
import { PvtxFailure } from '../pvtx/failure.ts';
import { Interrupted } from './terminal/ui.ts';

export const exitCodes = {
  success: { code: 0, meaning: 'done; a revision that was run holds' },
  defect: { code: 1, meaning: 'a defect of pantabox; it says where' },
  refused: { code: 3, meaning: 'wrong usage, something that cannot be used, or the device refused' },
  notHeld: { code: 4, meaning: 'the revision was run and did not hold (ERROR or WONTGO); the device went back' },
  unreachable: { code: 69, meaning: 'the device does not answer: no control socket, or no permission for it' },
  busy: { code: 75, meaning: 'the device is busy, e.g. with another update: try again later' },
  interrupted: { code: 130, meaning: 'control-C, or the person said no' },
} as const satisfies Record<string, ExitCode>;

/** What to do about a refusal of the device. */
const advice: Partial<Record<RefusalCode, string>> = {
  'not-mgmt': 'give the container that pantabox runs in the role mgmt ("roles": ["mgmt"] in its run.json)',
  'update-ongoing': 'an update is going on; try again when it has ended (pantabox goto shows how far it is)',
  'command-pending': 'the device has not carried out the last command yet; try again in a moment',
  claimed: 'a claimed device keeps its factory revision; pvcontrol cmd unclaim gives up its identity at the hub first',
  'factory-untested': 'run the revision first, so that it is known to hold: pantabox goto',
  'remote-disabled': 'PV_CONTROL_REMOTE=0 in the configuration keeps this device from its hub',
  'no-space': 'free some: pvcontrol storage gc removes revisions and objects that nothing needs',
  'step-format': 'pvr check on the workstation lists every problem of a state, with its place',
  'resource-missing': 'pantabox goto lists the revisions that there are',
  'object-name': 'the device does not have that object (any more); bring it with a package: pantabox install',
  'object-checksum': 'the package is damaged; copy it once more',
  'user-meta-bad': 'a value has 1 to 4096 bytes, a key neither a slash nor a dot in front',
};

/** Tells about errors of the device; undefined for all others. */
export function explain(error: unknown): Failure | undefined {
  if (error instanceof Interrupted)
    return new Failure('interrupted', `cannot go on: ${error.message}`, { exitCode: exitCodes.interrupted.code });
  if (error instanceof ControlError) {
    const { text = `status ${error.status}`, retryAfter } = error;
    const code = refusalByText(text);
    const wait = retryAfter === undefined ? undefined : `try again in ${retryAfter} s`;
    const hint = (code && advice[code]) ?? wait;
    return new Failure(code ?? 'refused', `cannot do that: the device says: ${text}`, {
      ...(hint === undefined ? {} : { hint }),
      exitCode: error.status === 503 ? exitCodes.busy.code : exitCodes.refused.code,
      cause: error,
    });
  }
  if (error instanceof ExchangeError) {
    const away = ['socket-missing', 'refused', 'forbidden'].includes(error.code);
    return new Failure(error.code, error.message, {
      hint: away
        ? 'is pantavisor running, and is this a container with the role mgmt? --socket or PV_CTRL_SOCKET name another socket'
        : 'the device may be about to restart; try again in a moment',
      exitCode: exitCodes.unreachable.code,
      cause: error,
    });
  }
  if (error instanceof PvtxFailure) {
    const exitCode = error.status === 503 ? exitCodes.busy.code : exitCodes.refused.code;
    const said = /: ([^:]+)$/.exec(error.message)?.[1] ?? '';
    const code = refusalByText(said);
    const hint = code && advice[code];
    const message = error.message.startsWith('cannot') ? error.message : `cannot do that: ${error.message}`;
    return new Failure('transaction', message, { ...(hint ? { hint } : {}), exitCode, cause: error });
  }
  return undefined;
}
