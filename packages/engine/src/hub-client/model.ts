/** What the Hub client remembers. Plain data, never changed in place. */
import type { HubMode } from '../updates/protocol.ts';
import type { HubReport, HubRequest, HubSettings, HubUpdatePhase } from './protocol.ts';
import type { HubState } from './states.ts';

export interface HubClientModel {
  readonly settings: HubSettings;
  readonly state: HubState;
  readonly remote: boolean;
  readonly registered: boolean;
  readonly claimed: boolean;
  readonly phase: HubUpdatePhase;
  /** The question that waits for its answer. */
  readonly asking: { id: number; request: HubRequest; state: HubState } | undefined;
  /** The report that waits for its answer; it stays at the head of the outbox until then. */
  readonly reporting: number | undefined;
  readonly outbox: readonly HubReport[];
  /** The stream of what is new, on its way or open; undefined while there is none. */
  readonly stream: { id: number; open: boolean } | undefined;
  /** Failures in a row, of questions, of reports and of streams. */
  readonly failures: number;
  readonly reportFailures: number;
  readonly streamFailures: number;
  /** Requests in a row that nobody answered. */
  readonly unanswered: number;
  /** Something came up while a question was under way: ask once more at once. */
  readonly again: boolean;
  readonly timers: Readonly<Record<string, string>>;
  readonly nextNumber: number;
  /** What the rest of the device was told last. */
  readonly toldMode: HubMode;
  readonly toldPending: boolean;
}

/** A client before its first event. */
export function createHubClient(): HubClientModel {
  return {
    settings: { pollMs: 5000, tolerated: 0 },
    state: 'off',
    remote: false,
    registered: false,
    claimed: false,
    phase: 'none',
    asking: undefined,
    reporting: undefined,
    outbox: [],
    stream: undefined,
    failures: 0,
    reportFailures: 0,
    streamFailures: 0,
    unanswered: 0,
    again: false,
    timers: {},
    nextNumber: 1,
    toldMode: 'off',
    toldPending: false,
  };
}
