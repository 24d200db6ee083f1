/** The one table of refusals of the control socket: stable code, status, and the original's text in `{"Error": text}`. */

export interface Refusal {
  status: number;
  text: string;
  /** Seconds after which the same request may succeed; sent as `Retry-After`. */
  retryAfter?: number;
}

export const refusals = {
  'unknown-caller': { status: 500, text: 'Internal Error' },
  'not-mgmt': { status: 403, text: 'Request not sent from a mgmt platform' },
  'method-not-supported': { status: 400, text: 'Method not supported for this endpoint' },
  'body-too-large': { status: 507, text: 'Not enough disk space available' },
  'body-cut-off': { status: 400, text: 'Request body is not complete' },
  'no-space': { status: 507, text: 'Not enough disk space available' },
  'state-not-loaded': { status: 500, text: 'State not loaded yet' },
  'container-unknown': { status: 404, text: 'Container not found' },
  'restart-policy-system': {
    status: 403,
    text: "Container has restart_policy 'system' and cannot be controlled via API",
  },
  'invalid-json': { status: 400, text: 'Invalid JSON' },
  'action-missing': { status: 400, text: "Missing 'action' field" },
  'action-unknown': { status: 400, text: "Invalid action. Use 'start', 'stop', or 'restart'" },
  'not-startable': {
    status: 400,
    text: 'Container must be in STOPPED, STOPPING, or RECOVERING state to start',
  },
  'not-restartable': { status: 400, text: 'Container state does not allow restart' },
  'signal-bad': { status: 400, text: 'Signal has bad format' },
  'signal-not-expected': { status: 500, text: 'Signal not expected from this platform' },
  'object-name': { status: 400, text: 'Request has bad object name' },
  'object-checksum': { status: 422, text: 'Object has bad checksum' },
  'object-upload': { status: 500, text: 'Upload error' },
  'step-name': { status: 400, text: 'Request has bas step name' },
  'resource-missing': { status: 404, text: 'Resource does not exist' },
  'step-unreadable': { status: 422, text: 'Storage: Cannot read state JSON' },
  'step-format': { status: 422, text: 'Parser: State JSON has bad format' },
  'step-in-use': { status: 409, text: 'Cannot replace the state of a revision that is in use' },
  'message-missing': { status: 400, text: 'No commit message' },
  'message-write': { status: 500, text: 'Cannot write message' },
  'command-bad': { status: 400, text: 'Command has bad format' },
  'command-pending': {
    status: 503,
    text: 'A command is already in progress. Try again',
    retryAfter: 120,
  },
  'update-ongoing': {
    status: 503,
    text: 'Cannot do this operation while update is ongoing',
    retryAfter: 600,
  },
  'local-mode': { status: 409, text: 'Cannot do this operation while on local mode' },
  claimed: { status: 409, text: 'Cannot do this operation if device is already claimed' },
  'factory-untested': {
    status: 409,
    text: 'Cannot make a revision the factory revision that was never tested while the factory revision is the rollback point',
  },
  'remote-disabled': { status: 409, text: 'Cannot do this operation when remote mode is disabled by config' },
  'shell-closed': { status: 409, text: 'Cannot do this operation when debug shell is not active' },
  'user-meta-bad': { status: 400, text: 'Cannot add or update user meta' },
  'user-meta-missing': { status: 404, text: 'User meta does not exist' },
  'device-meta-bad': { status: 400, text: 'Cannot add or update device meta' },
  'device-meta-missing': { status: 404, text: 'Device meta does not exist' },
  'daemon-unknown': { status: 404, text: 'Daemon not found' },
  'daemon-no-data': { status: 400, text: 'No data' },
  'drivers-load': { status: 400, text: 'Error loading drivers' },
  'driver-load': { status: 400, text: 'Error loading driver' },
  'garbage-failed': { status: 500, text: 'Error running garbage collector' },
  internal: { status: 500, text: 'Internal error' },
} as const satisfies Record<string, Refusal>;

/** Stable code of a refusal. */
export type RefusalCode = keyof typeof refusals;

/** The code of a refusal that was received, by its text; undefined for texts that carry values or that are not ours. */
export function refusalByText(text: string): RefusalCode | undefined {
  for (const [code, refusal] of Object.entries(refusals)) if (refusal.text === text) return code as RefusalCode;
  return undefined;
}
