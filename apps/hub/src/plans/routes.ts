import { planRoutes } from '@pantavisor/hub-api';
import type { Principal } from '../auth/principal.ts';
import { type Served, serve } from '../http/call.ts';
import { Failure } from '../http/failure.ts';
import type { Hub } from '../hub.ts';
import { wireTime } from '../names/times.ts';
import { countDevices, limitsOf, setSubscription, usedBytes, wireSubscription } from './plans.ts';

const gibibyte = 2 ** 30;
const twoDigits = (bytes: number) => Math.floor((bytes / gibibyte) * 100) / 100;

/** Whether a principal may give plans: named in the settings, or an administrator. */
function mayGivePlans(hub: Hub, caller: Principal): boolean {
  const named = [...hub.config.admins.split(','), ...hub.config['subscription-admins'].split(',')].map((prn) =>
    prn.trim(),
  );
  return caller.admin || named.includes(caller.prn);
}

/** Handlers of `/dash` and `/subscriptions` (hub-api §12, §13). */
export const planHandlers: Served[] = [
  serve(planRoutes.dash, async ({ hub, caller }) => {
    const owner = caller.owner;
    const limits = await limitsOf(hub, hub.db, owner);
    const devices = await hub.db
      .selectFrom('devices')
      .leftJoin('trails', 'trails.id', 'devices.id')
      .leftJoin('steps', (join) =>
        join.onRef('steps.trail_id', '=', 'trails.id').onRef('steps.rev', '=', 'trails.progress_rev'),
      )
      .select(['devices.id', 'devices.nick', 'devices.prn', 'devices.modified', 'steps.status'])
      .where('devices.owner', '=', owner === '' ? '(nobody)' : owner)
      .where('devices.garbage_since', 'is', null)
      .orderBy('devices.modified', 'desc')
      .limit(5)
      .execute();
    const quota = (Name: string, Actual: number, Max: number, Unit: string) => ({ Name, Actual, Max, Unit });
    return {
      prn: caller.prn,
      nick: caller.nick,
      subscription: {
        'plan-id': limits.plan,
        billing: { Type: 'Monthly', AmountDue: 0, Currency: 'USD', VatRegion: 'World' },
        'quota-stats': {
          DEVICES: quota('DEVICES', await countDevices(hub.db, owner), limits.devices, 'Piece'),
          OBJECTS: quota('OBJECTS', twoDigits(await usedBytes(hub.db, owner)), limits.objects / gibibyte, 'GiB'),
          BANDWIDTH: quota('BANDWIDTH', twoDigits(await hub.bandwidth.used(owner)), limits.bandwidth / gibibyte, 'GiB'),
        },
      },
      'top-devices': devices.map(({ id, nick, prn, modified, status }) => ({
        'device-id': id,
        nick,
        prn,
        message: `Device changed at ${wireTime(modified)}`,
        type: 'INFO',
        status: status ?? '',
        'last-activity': wireTime(modified),
      })),
    };
  }),
  serve(planRoutes.list, async ({ hub, caller }) => {
    if (caller.type !== 'USER')
      throw new Failure(
        'not-implemented',
        `cannot list subscriptions of ${caller.type} accounts: only users have them`,
      );
    const rows = await hub.db.selectFrom('subscriptions').selectAll().where('subject', '=', caller.prn).execute();
    return { Start: 0, Page: -1, Size: rows.length, Subs: rows.map(wireSubscription) };
  }),
  serve(planRoutes.set, ({ hub, caller, body }) => {
    if (!mayGivePlans(hub, caller))
      throw new Failure('not-permitted', 'cannot give plans: this needs an administrator');
    return setSubscription(hub, caller.prn, body);
  }),
];
