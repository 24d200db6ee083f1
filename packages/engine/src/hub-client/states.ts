/** The states of the Hub client: what it asks in each, how often, and where the answers lead (hub-client §1.3, §1.4). */
import type { HubMode } from '../updates/protocol.ts';
import type { HubOutcome, HubRequest, HubSettings } from './protocol.ts';

export const hubStateNames = [
  /** Remote mode is off, or the client has not started. */
  'off',
  'init',
  'register',
  'claim',
  'login',
  'wait-hub',
  'sync',
  'idle',
  'prep-download',
  'download',
  'report',
] as const;
export type HubState = (typeof hubStateNames)[number];

export interface HubStateRow {
  /** Asked on entering, and again after the interval; absent where the client only reports. */
  asks?: HubRequest;
  /** Milliseconds between two answers and the next question while all goes well. */
  every(settings: HubSettings): number;
  /** Next state by the kind of answer; what is not named stays. `rest` is where the update in hand puts the client. */
  to: Partial<Record<HubOutcome['kind'], HubState | 'rest'>>;
  mode: HubMode;
  /** So many failures make the waits longer at most; default: any number. */
  mostFailures?: number;
  /** Progress may be sent, and the Hub may tell what is new. */
  reports: boolean;
}

const fixed = () => 6000;
const poll = ({ pollMs }: HubSettings) => pollMs;

/** One row a state. */
export const hubStateTable: Readonly<Record<HubState, HubStateRow>> = {
  off: { every: fixed, to: {}, mode: 'off', reports: false },
  init: { every: fixed, to: {}, mode: 'unclaimed', reports: false },
  register: { asks: 'register', every: poll, to: { ok: 'claim' }, mode: 'unclaimed', reports: false },
  claim: {
    asks: 'ask-owner',
    every: poll,
    to: { yes: 'login', 'credentials-refused': 'register' },
    mode: 'unclaimed',
    reports: false,
  },
  login: { asks: 'login', every: fixed, to: { ok: 'wait-hub' }, mode: 'offline', reports: false },
  'wait-hub': {
    asks: 'ask-trail',
    every: fixed,
    to: { yes: 'rest', no: 'sync', 'credentials-refused': 'login' },
    mode: 'offline',
    reports: false,
  },
  sync: {
    asks: 'upload-factory',
    every: fixed,
    to: { ok: 'wait-hub', refused: 'wait-hub', 'credentials-refused': 'login' },
    mode: 'offline',
    reports: false,
  },
  idle: { asks: 'poll-steps', every: poll, to: { 'credentials-refused': 'login' }, mode: 'online', reports: true },
  'prep-download': { every: poll, to: {}, mode: 'online', reports: true },
  download: { every: poll, to: {}, mode: 'online', reports: true },
  report: {
    // Asked only to learn whether the Hub is there; a step that it offers is the one in hand.
    asks: 'poll-steps',
    every: poll,
    // The end of the trial hangs on it, so a Hub that is back has to be noticed soon.
    mostFailures: 2,
    to: { 'credentials-refused': 'login' },
    mode: 'online',
    reports: true,
  },
};
