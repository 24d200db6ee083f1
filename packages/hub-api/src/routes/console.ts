import Type, { type Static } from 'typebox';
import { define } from '../route.ts';
import { accepts } from '../scopes.ts';
import { Ok, Time } from '../shapes.ts';

const text = (description?: string) => Type.String(description === undefined ? {} : { description });
const opt = Type.Optional;
const count = Type.Integer();

/** What a browser has to know before anybody is logged in. */
export const HubAbout = Type.Object({
  version: text(),
  'sign-up': text('open, invited or closed'),
  captcha: Type.Boolean(),
  'captcha-widget': opt(
    Type.Object(
      { script: text('address of the script that draws it'), 'site-key': text('what the provider knows the page by') },
      { description: 'of the page /captcha; absent where this hub has none' },
    ),
  ),
  providers: Type.Array(text('google, github, gitlab or entraid')),
  'clone-url': text('address below which /<user>/<device> can be cloned with pvr'),
});
export type HubAbout = Static<typeof HubAbout>;

export const Session = Type.Object({
  id: text('24 hex digits'),
  current: Type.Boolean({ description: 'the session of this request' }),
  agent: text('what the browser called itself'),
  address: text(),
  'time-created': Time,
  'last-seen': Time,
  'expire-at': Time,
});
export type Session = Static<typeof Session>;

/** Who uses the console; without a session `prn` is empty. */
export const Viewer = Type.Object({
  prn: text(),
  nick: text(),
  type: text(),
  admin: Type.Boolean(),
  'acting-for': text('nick of whoever acts for this account, or empty'),
});
export type Viewer = Static<typeof Viewer>;

const mine = {
  access: 'token',
  personal: true,
  callers: ['USER', 'SESSION', 'ADMIN'],
  scopes: accepts.everything,
} as const;

/** `/about` and `/sessions`: logins of browsers, kept in a cookie that scripts cannot read. */
export const sessionRoutes = {
  about: define({
    id: 'about.get',
    method: 'GET',
    path: '/about',
    summary: 'What this hub offers to people who are not logged in',
    access: 'open',
    response: HubAbout,
  }),
  create: define({
    id: 'sessions.create',
    method: 'POST',
    path: '/sessions/',
    summary: 'Log a browser in: sets a cookie that scripts cannot read',
    access: 'open',
    body: Type.Object({
      username: opt(text()),
      password: opt(text()),
      token: opt(text("instead of both: what an identity provider's sign-in ended with")),
    }),
    response: Viewer,
    bodyLimit: 64 * 1024,
  }),
  viewer: define({
    id: 'sessions.viewer',
    method: 'GET',
    path: '/sessions/viewer',
    summary: 'Who this browser is logged in as; empty when nobody',
    access: 'open',
    response: Viewer,
  }),
  list: define({
    ...mine,
    id: 'sessions.list',
    method: 'GET',
    path: '/sessions/',
    summary: 'Browsers that are logged in as the caller',
    response: Type.Array(Session),
  }),
  end: define({
    id: 'sessions.end',
    method: 'DELETE',
    path: '/sessions/current',
    summary: 'Log this browser out',
    access: 'open',
    response: Ok,
  }),
  remove: define({
    ...mine,
    id: 'sessions.remove',
    method: 'DELETE',
    path: '/sessions/:id',
    summary: 'Log another browser out',
    response: Ok,
  }),
};

export const FleetDevice = Type.Object({
  id: text('24 hex digits'),
  nick: text(),
  public: Type.Boolean(),
  status: text('of the newest revision that was begun; NEW while a newer one waits; empty without a revision'),
  'status-msg': text(),
  progress: Type.Integer(),
  revision: Type.Integer({ description: 'newest revision; -1 without one' }),
  'progress-revision': Type.Integer({ description: 'revision the device reported about last; -1 without one' }),
  'state-sha': text(),
  'last-seen': Time,
  'time-modified': Time,
  tags: Type.Record(Type.String(), text()),
});
export type FleetDevice = Static<typeof FleetDevice>;

export const FleetPage = Type.Object({
  total: count,
  offset: count,
  devices: Type.Array(FleetDevice),
});
export type FleetPage = Static<typeof FleetPage>;

const Counted = Type.Object({ value: text(), count });
export const FleetFacets = Type.Object({
  total: count,
  statuses: Type.Array(Counted),
  revisions: Type.Array(Counted),
  seen: Type.Array(Counted),
  tags: Type.Array(Type.Object({ name: text(), value: text(), count })),
});
export type FleetFacets = Static<typeof FleetFacets>;

const fleet = {
  access: 'token',
  personal: true,
  callers: ['USER', 'SESSION'],
  scopes: accepts.devices.read,
} as const;
const query = opt(text('query line, e.g. status:failed tag:site=berlin seen:>1d'));

/** `/fleet`: the devices of the caller as a person looks at them, however many there are. */
export const fleetRoutes = {
  devices: define({
    ...fleet,
    id: 'fleet.devices',
    method: 'GET',
    path: '/fleet/devices',
    summary: 'A page of devices that match a query line',
    query: Type.Object({
      q: query,
      sort: opt(text('nick, status, revision, seen or modified; - in front = descending')),
      'page[size]': opt(text()),
      'page[offset]': opt(text()),
    }),
    response: FleetPage,
  }),
  facets: define({
    ...fleet,
    id: 'fleet.facets',
    method: 'GET',
    path: '/fleet/facets',
    summary: 'How many devices a query line matches, by status, revision, tag and time last heard',
    query: Type.Object({ q: query }),
    response: FleetFacets,
  }),
};

export const MetaChange = Type.Object({
  time: Time,
  by: text('prn of whoever changed it'),
  'by-nick': text(),
  key: text(),
  before: opt(Type.Unknown()),
  after: opt(Type.Unknown()),
});
export type MetaChange = Static<typeof MetaChange>;

export const StepOutline = Type.Object({
  rev: Type.Integer(),
  'commit-msg': text(),
  status: text(),
  'status-msg': text(),
  progress: Type.Integer(),
  'state-sha': text(),
  'time-created': Time,
  'progress-time': Time,
});
export type StepOutline = Static<typeof StepOutline>;

/** What the console shows about one device beyond the API of old. */
export const historyRoutes = {
  metadata: define({
    id: 'devices.metaHistory',
    method: 'GET',
    path: '/devices/:id/user-meta/history',
    summary: 'Changes of the user metadata, newest first',
    access: 'token',
    scopes: accepts.devices.read,
    query: Type.Object({ 'page[size]': opt(text()), 'page[offset]': opt(text()) }),
    response: Type.Array(MetaChange),
  }),
  steps: define({
    id: 'trails.outline',
    method: 'GET',
    path: '/trails/:id/outline',
    summary:
      'Revisions without their states, newest first, 100 a page; none while the device has sent no factory revision. X-Total-Count: how many there are',
    access: 'token',
    scopes: accepts.trails.read,
    style: 'canonical',
    query: Type.Object({ 'page[size]': opt(text()), 'page[offset]': opt(text()) }),
    response: Type.Array(StepOutline),
  }),
};
