import type { Subscription } from '@pantavisor/hub-api';
import type { Selectable } from 'kysely';
import type { Db, Tables } from '../db/schema.ts';
import { Failure } from '../http/failure.ts';
import type { Hub } from '../hub.ts';
import { prnOf } from '../names/ids.ts';
import { wireTime } from '../names/times.ts';

/** What a plan allows: sizes with binary units, counts as digits (hub-data §6). */
type Attributes = { OBJECTS: string; BANDWIDTH: string; DEVICES: string };
const unlimited = '1000000000';
const plans: Record<string, Attributes | undefined> = {
  FREE: { OBJECTS: '2GiB', BANDWIDTH: '2GiB', DEVICES: '25' },
  VIP: { OBJECTS: '20GiB', BANDWIDTH: '10GiB', DEVICES: '100' },
  CUSTOM: { OBJECTS: '0GiB', BANDWIDTH: '0GiB', DEVICES: '0' },
  stripe: { OBJECTS: '0GiB', BANDWIDTH: '0GiB', DEVICES: '0' },
  UNLIMITED: { OBJECTS: `${unlimited}GiB`, BANDWIDTH: `${unlimited}GiB`, DEVICES: unlimited },
};
/** Plans that keep what the one before allowed. */
const keeping = new Set(['LOCKED', 'CANCELLED']);
const service = 'prn::subscriptions:';

export interface Limits {
  plan: string;
  attributes: Attributes;
  /** bytes */
  objects: number;
  /** bytes a calendar month (UTC) */
  bandwidth: number;
  devices: number;
  /** nothing new may be added */
  locked: boolean;
}

const units: Record<string, number> = { '': 1, B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** `2GiB` to bytes; undefined when the text is no size. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(|B|KiB|MiB|GiB|TiB)$/.exec(text);
  return match === null ? undefined : Math.floor(Number(match[1]) * (units[match[2] ?? ''] ?? 1));
}

/** What an owner may use. */
export async function limitsOf(hub: Hub, db: Db, owner: string): Promise<Limits> {
  const row = await db
    .selectFrom('subscriptions')
    .select(['type', 'attr'])
    .where('subject', '=', owner)
    .executeTakeFirst();
  const plan = row === undefined ? hub.config['default-plan'] : planName(row.type);
  const fallback = plans[plan] ?? plans.FREE;
  const attributes = { ...fallback, ...(row === undefined ? {} : JSON.parse(row.attr)) } as Attributes;
  return {
    plan,
    attributes,
    objects: parseSize(attributes.OBJECTS) ?? 0,
    bandwidth: parseSize(attributes.BANDWIDTH) ?? 0,
    devices: Number(attributes.DEVICES),
    locked: keeping.has(plan),
  };
}

const planName = (type: string) => type.slice(service.length).split('/')[0]?.replace(/:$/, '') ?? '';
const exceeded = (text: string, status?: number) =>
  new Failure('quota-exceeded', text, status === undefined ? {} : { status });
export const objectQuotaText = 'Quota exceeded; delete some objects or request a quota bump from your administrator';

/** @throws Failure quota-exceeded when the owner may not have one more device */
export async function demandDeviceQuota(hub: Hub, db: Db, owner: string): Promise<void> {
  const limits = await limitsOf(hub, db, owner);
  if (limits.locked || (await countDevices(db, owner)) >= limits.devices)
    throw exceeded(
      `cannot add a device: the plan ${limits.plan} allows ${limits.devices}; delete some or ask the administrator for another plan`,
      403,
    );
}

/** @throws Failure quota-exceeded when a record of this size may not be saved. Link and own blob count once each. */
export async function demandObjectQuota(
  hub: Hub,
  db: Db,
  owner: string,
  storageId: string,
  size: number,
): Promise<void> {
  const limits = await limitsOf(hub, db, owner);
  const others = await usedBytes(db, owner, storageId);
  if (limits.locked || others + size > limits.objects) throw exceeded(objectQuotaText);
}

export async function countDevices(db: Db, owner: string): Promise<number> {
  const { count } = await db
    .selectFrom('devices')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('owner', '=', owner)
    .where('garbage_since', 'is', null)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Bytes of all records of an owner, promised ones included: else many promises could be filled at once. */
export async function usedBytes(db: Db, owner: string, except = ''): Promise<number> {
  const { sum } = await db
    .selectFrom('objects')
    .select(({ fn }) => fn.sum<number | null>('size').as('sum'))
    .where('owner', '=', owner)
    .where('storage_id', '!=', except)
    .executeTakeFirstOrThrow();
  return Number(sum ?? 0);
}

export function wireSubscription(row: Selectable<Tables['subscriptions']>): Subscription {
  const history = JSON.parse(row.history) as unknown[];
  return {
    id: row.id,
    prn: prnOf.subscription(row.id),
    type: row.type,
    subject: row.subject,
    issuer: row.issuer,
    service,
    'last-modified': wireTime(row.modified),
    'time-created': wireTime(row.created),
    ...(history.length === 0 ? {} : { history }),
    attr: JSON.parse(row.attr) as Record<string, string>,
  };
}

/** Gives somebody a plan; the one before goes to the history. Effective at once. */
export async function setSubscription(
  hub: Hub,
  issuer: string,
  { subject, plan, attrs = {} }: { subject: string; plan: string; attrs?: Record<string, string> },
): Promise<Subscription> {
  const type = plan.startsWith(service) ? plan : `${service}${plan}`;
  const name = planName(type);
  if (plans[name] === undefined && !keeping.has(name))
    throw new Failure(
      'bad-request',
      `cannot give the plan '${plan}': there are ${[...Object.keys(plans), ...keeping].join(', ')}`,
      { status: 500 },
    );
  for (const [key, value] of Object.entries(attrs))
    if (!(key === 'DEVICES' ? /^\d+$/.test(value) : parseSize(value) !== undefined))
      throw new Failure(
        'precondition-failed',
        `cannot give the plan: attribute ${key}='${value}' is not ${key === 'DEVICES' ? 'a count' : 'a size such as 20GiB'}`,
      );
  const now = hub.clock();
  const id = hub.ids.next(now);
  return hub.writer.write(async (tx) => {
    const old = await tx.selectFrom('subscriptions').selectAll().where('subject', '=', subject).executeTakeFirst();
    const before = old === undefined ? {} : (JSON.parse(old.attr) as Record<string, string>);
    const base = keeping.has(name) ? (old === undefined ? plans[hub.config['default-plan']] : before) : plans[name];
    const attr = JSON.stringify({ ...base, ...attrs });
    if (old === undefined) {
      const row = { id, type, subject, issuer, attr, history: '[]', created: now, modified: now };
      await tx.insertInto('subscriptions').values(row).execute();
      return wireSubscription(row);
    }
    const { history: past = [], ...previous } = wireSubscription(old);
    const row = { ...old, type, issuer, attr, modified: now, history: JSON.stringify([previous, ...past]) };
    await tx.updateTable('subscriptions').set(row).where('id', '=', old.id).execute();
    return wireSubscription(row);
  });
}
