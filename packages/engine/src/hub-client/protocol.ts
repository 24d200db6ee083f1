/**
 * The language between the Hub client, which decides when to ask the Hub what, and the device, which asks: events in, effects out, plain data.
 * Each event carries a random number from 0 up to 1 that spreads the requests of a fleet over time.
 */
import type { Reason } from '../protocol.ts';
import type { HubMode } from '../updates/protocol.ts';

/** What the Hub can be asked. How each looks on the wire is the device's matter. */
export const hubRequests = [
  /** Become known to the Hub. */
  'register',
  /** Log in, and ask whom the device belongs to. */
  'ask-owner',
  'login',
  /** Ask whether the Hub has the device's factory revision. */
  'ask-trail',
  /** Upload the factory revision. */
  'upload-factory',
  /** Ask for the oldest step that is not done. */
  'poll-steps',
] as const;
export type HubRequest = (typeof hubRequests)[number];

/** What the device knows of a step of the Hub. */
export interface OfferedStep {
  revision: string;
  /** The state as the Hub sent it, byte for byte. */
  state: string;
  /** JSON text of the progress that the Hub has. */
  progress: string;
  commitMessage: string;
}

/** A progress as it goes to the Hub. */
export interface HubReport {
  revision: string;
  status: string;
  /** JSON text. */
  body: string;
}

/** What came of a request. */
export type HubOutcome =
  | { kind: 'ok' }
  /** For `ask-owner`: whether somebody owns the device. For `ask-trail`: whether the Hub has its factory revision. */
  | { kind: 'yes' }
  | { kind: 'no' }
  | { kind: 'step'; step: OfferedStep }
  /** The Hub does not accept the device's credentials. */
  | { kind: 'credentials-refused'; reason: Reason }
  /** The Hub answered and did not do it: asking the same again may be of no use. */
  | { kind: 'refused'; reason: Reason }
  /** The Hub answered that it cannot now; `retryAfterMs` is its own hint. */
  | { kind: 'busy'; reason: Reason; retryAfterMs?: number }
  /** No answer. */
  | { kind: 'unreachable'; reason: Reason };

export interface HubSettings {
  /** PH_UPDATER_INTERVAL, milliseconds. */
  pollMs: number;
  /** PH_ONLINE_REQUEST_THRESHOLD: requests in a row that may be without an answer before the device counts as offline. */
  tolerated: number;
}

/** Where the update in hand stands, as far as the Hub client cares. */
export type HubUpdatePhase = 'none' | 'metadata' | 'objects' | 'installed';

export type HubEventBody =
  /** Before everything else. `remote`: the device may talk to the Hub at all. */
  | { type: 'start'; settings: HubSettings; registered: boolean; claimed: boolean; remote: boolean }
  | { type: 'settings'; settings: HubSettings }
  /** GO_REMOTE, or a revision that is local takes over. */
  | { type: 'remote'; on: boolean }
  /** UNCLAIM: the credentials are gone. */
  | { type: 'unclaimed' }
  | { type: 'answered'; id: number; outcome: HubOutcome }
  | { type: 'reported'; id: number; outcome: HubOutcome }
  | { type: 'timer'; timer: string }
  /** Progress that the Hub is to know. */
  | { type: 'progress'; report: HubReport }
  | { type: 'update'; phase: HubUpdatePhase }
  /** Something is new at the Hub. */
  | { type: 'nudge' }
  /** The Hub tells from now on what is new. */
  | { type: 'listening'; id: number }
  /** It no longer does, or would not: `ok` when the stream just ended. */
  | { type: 'listen-ended'; id: number; outcome: HubOutcome };
export type HubEvent = { random: number } & HubEventBody;

export type HubEffect =
  /** Ends in `answered` with the same id. */
  | { type: 'ask'; id: number; request: HubRequest }
  /** Ends in `reported` with the same id. One at a time. */
  | { type: 'report'; id: number; report: HubReport }
  /** Open a stream of what is new. `listening` says that it is open; ends in `listen-ended` with the same id. One at a time. */
  | { type: 'listen'; id: number }
  /** Close the stream; nothing is heard of it any more. */
  | { type: 'unlisten' }
  | { type: 'arm'; timer: string; ms: number }
  | { type: 'cancel'; timer: string }
  /** Look at a step: what is stored of it may be told again, or it becomes an update. */
  | { type: 'offer'; step: OfferedStep }
  /** Where the client stands, for updates on trial. */
  | { type: 'mode'; mode: HubMode }
  /** Reports wait to be sent and can be: a reboot should wait for them. Or they no longer do. */
  | { type: 'pending'; waiting: boolean }
  /** Nobody owned the device so far, and the Hub has forgotten it: its credentials are of no use. */
  | { type: 'forget' }
  /** The device has an owner now: keep the credentials. */
  | { type: 'claimed' };
