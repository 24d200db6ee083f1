/** Shapes of the JSON bodies, for suites that check a server from outside. Not needed to serve or to call. */
import { commandOperations, wakeScopes } from './bodies.ts';

/** A predicate over a value that returns every deviation, each beginning with the path inside the value. */
export type Shape = (value: unknown, path: string) => string[];

const kindOf = (value: unknown) => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);
const mustBe = (expected: string, value: unknown, path: string) => [
  `${path || '/'}: expected ${expected}, found ${kindOf(value)} ${JSON.stringify(value)?.slice(0, 60)}`,
];

export const string: Shape = (value, path) => (typeof value === 'string' ? [] : mustBe('a string', value, path));
export const boolean: Shape = (value, path) => (typeof value === 'boolean' ? [] : mustBe('a boolean', value, path));
export const integer: Shape = (value, path) =>
  Number.isSafeInteger(value) ? [] : mustBe('a whole number', value, path);

/** One of these strings. */
export function oneOf(...values: readonly string[]): Shape {
  return (value, path) =>
    typeof value === 'string' && values.includes(value) ? [] : mustBe(values.join(' | '), value, path);
}

/** A string that matches. */
export function matching(pattern: RegExp): Shape {
  return (value, path) =>
    typeof value === 'string' && pattern.test(value) ? [] : mustBe(`text like ${pattern.source}`, value, path);
}

/** Null, or what the other shape says. */
export function nullable(shape: Shape): Shape {
  return (value, path) => (value === null ? [] : shape(value, path));
}

/** Either shape; the deviations of the last are reported. */
export function either(first: Shape, second: Shape): Shape {
  return (value, path) => (first(value, path).length === 0 ? [] : second(value, path));
}

/** An array of elements of one shape. */
export function array(element: Shape): Shape {
  return (value, path) =>
    Array.isArray(value)
      ? value.flatMap((item, index) => element(item, `${path}/${index}`))
      : mustBe('an array', value, path);
}

/** An object with exactly these members; those of `optional` may be absent. */
export function object(
  required: Readonly<Record<string, Shape>>,
  optional: Readonly<Record<string, Shape>> = {},
): Shape {
  return (value, path) => {
    if (kindOf(value) !== 'object') return mustBe('an object', value, path);
    const members = value as Readonly<Record<string, unknown>>;
    const missing = Object.keys(required).filter((name) => !Object.hasOwn(members, name));
    const problems = missing.map((name) => `${path}/${name}: is missing`);
    for (const [name, member] of Object.entries(members)) {
      const shape = required[name] ?? optional[name];
      problems.push(...(shape ? shape(member, `${path}/${name}`) : [`${path}/${name}: is not expected`]));
    }
    return problems;
  };
}

/** An object with any names and members of one shape. */
export function record(member: Shape): Shape {
  return (value, path) =>
    kindOf(value) === 'object'
      ? Object.entries(value as object).flatMap(([name, item]) => member(item, `${path}/${name}`))
      : mustBe('an object', value, path);
}

const status = oneOf(
  'NONE',
  'INSTALLED',
  'MOUNTED',
  'BLOCKED',
  'STARTING',
  'STARTED',
  'READY',
  'RECOVERING',
  'STOPPING',
  'STOPPED',
  'UNKNOWN',
);
const restartPolicy = oneOf('system', 'container', 'unknown');
const textFlag = oneOf('true', 'false');
const backoff = matching(/^(reboot|never|[0-9]+(s|min|h))$/);
const sha256 = matching(/^[0-9a-f]{64}$/);

const containerMembers = { name: string, group: nullable(string), status, status_goal: status };
const containerRest = { restart_policy: restartPolicy, roles: array(oneOf('mgmt')) };
const containerOptional = {
  auto_recovery: object({
    policy: oneOf('always', 'on-failure', 'unless-stopped'),
    max_retries: integer,
    current_retries: integer,
    stable_timeout: integer,
    is_stable: textFlag,
    backoff_policy: backoff,
  }),
  user_stopped: textFlag,
};

/** `GET /containers` */
export const containers = array(object({ ...containerMembers, ...containerRest }, containerOptional));

/** `GET /containers?detail=1` */
export const containerDetails = array(
  object(
    {
      ...containerMembers,
      ...containerRest,
      pid: nullable(integer),
      started_at: nullable(integer),
      memory: nullable(integer),
    },
    containerOptional,
  ),
);

/** `GET /groups` */
export const groups = array(
  object(
    { name: string, status_goal: status, restart_policy: restartPolicy, status },
    { auto_recovery: object({ max_retries: integer, stable_timeout: integer, backoff_policy: backoff }) },
  ),
);

/** `GET /objects` */
export const objects = array(object({ sha256, size: matching(/^[0-9]+$/) }));

/** `GET /steps/{revision}/progress` */
export const progress = object(
  {
    status: oneOf('NEW', 'QUEUED', 'DOWNLOADING', 'INPROGRESS', 'TESTING', 'UPDATED', 'DONE', 'WONTGO', 'ERROR'),
    'status-msg': nullable(string),
    progress: integer,
    retries: integer,
  },
  {
    downloads: object({
      total: object({
        object_name: oneOf('total'),
        object_id: oneOf('none'),
        total_size: integer,
        total_downloaded: integer,
        start_time: integer,
        current_time: integer,
      }),
    }),
    logs: string,
  },
);

/** `GET /steps` */
export const steps = array(
  object({
    name: string,
    date: matching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    commitmsg: string,
    progress: either(object({}), progress),
  }),
);

/** `GET /config2` */
export const config = array(object({ key: matching(/^P[VH]_[A-Z0-9_]+$/), value: string, modified: string }));

/** `GET /config` */
export const legacyConfig = record((value, path) =>
  value === null || ['string', 'number', 'boolean'].includes(typeof value) ? [] : mustBe('a plain value', value, path),
);

/** `POST /storage/gc` */
export const garbage = object({ reclaimed: integer });

/** `GET /user-meta`, `GET /device-meta` */
export const metadata = record((value, path) =>
  typeof value === 'string' || (typeof value === 'object' && value !== null)
    ? []
    : mustBe('text, an object or an array', value, path),
);

/** `GET /drivers`: an empty object stands for no drivers at all. */
export const drivers = either(
  object({}),
  array(
    object({
      name: string,
      type: oneOf('REQUIRED', 'OPTIONAL', 'MANUAL'),
      status: oneOf('LOADED', 'UNLOADED', 'UNKNOWN'),
    }),
  ),
);

const textOrNull: Shape = (value, path) => (value === null ? [] : string(value, path));

/** `GET /xconnect-graph` */
export const graph = array(
  object({
    consumer: string,
    consumer_pid: integer,
    provider: string,
    provider_pid: integer,
    name: string,
    type: oneOf('rest', 'dbus', 'unix', 'drm', 'wayland', 'input', 'unknown'),
    role: string,
    interface: string,
    target: textOrNull,
    socket: textOrNull,
  }),
);

/** `GET /daemons` */
export const daemons = array(object({ name: string, pid: integer, respawn: boolean }));

/** `GET /wakelocks` */
export const wakeLocks = object({
  mode: oneOf('disabled', 'locks', 'managed'),
  count: integer,
  degraded: boolean,
  autosleep: boolean,
  settling: boolean,
  polling: boolean,
  run_window: boolean,
  held: object(Object.fromEntries(wakeScopes.map((scope) => [scope, boolean]))),
});

/** Body of `POST /commands`. */
export const commandBody = object({ op: oneOf(...commandOperations), payload: either(string, record(string)) });

/** Body of every refusal. */
export const error = object({ Error: string });
