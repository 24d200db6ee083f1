/** A fleet that was written straight into the database of a hub: quick, and as varied as a real one. */
import type { RunningHub } from '../../apps/hub/src/server.ts';

type Hub = RunningHub['hub'];

const sites = ['berlin', 'madrid', 'sao-paulo', 'singapore', 'toronto'];
const rings = ['canary', 'early', 'broad'];
/** Statuses by how many of a hundred devices have them. */
const shares: [string, number, string][] = [
  ['DONE', 78, 'Update finished, revision set as rollback point'],
  ['UPDATED', 6, 'Update finished, revision not set as rollback point'],
  ['TESTING', 3, 'Awaiting to see if update is stable'],
  ['INPROGRESS', 2, 'Applying update'],
  ['DOWNLOADING', 3, 'Retry 0 of 10'],
  ['NEW', 3, ''],
  ['ERROR', 3, 'A container could not be started'],
  ['WONTGO', 2, 'State JSON has bad format'],
];
const minute = 60_000;

/** A state that every device of the fleet has; nothing in it names an object. */
const stateOf = (rev: number) =>
  JSON.stringify({ '#spec': 'pantavisor-service-system@1', 'app/run.json': { name: 'app', version: rev } });

function shareOf(index: number): [string, string] {
  let place = (index * 37) % 100;
  for (const [status, share, message] of shares) {
    if (place < share) return [status, message];
    place -= share;
  }
  return ['DONE', ''];
}

/** The same device for the same number, every time. */
function deviceOf(index: number, owner: string, now: number) {
  const id = (0x65f0000000000000000000n * 16n + BigInt(index)).toString(16).padStart(24, '0');
  const [status, message] = shareOf(index);
  const site = sites[index % sites.length];
  const seen = index % 211 === 0 ? null : now - ((index * 7919) % (index % 13 === 0 ? 20_000 : 10)) * minute;
  const rev = 3 + (index % 3);
  return { id, prn: `prn:::devices:/${id}`, owner, status, message, site, seen, rev, ring: rings[index % 3] };
}

/** Fills the fleet of an owner. @returns ids in the order of their numbers */
export async function seedFleet(hub: Hub, owner: string, count: number): Promise<string[]> {
  const now = hub.clock();
  const chunk = 400;
  const ids: string[] = [];
  for (let from = 0; from < count; from += chunk) {
    const some = Array.from({ length: Math.min(chunk, count - from) }, (_, index) =>
      deviceOf(from + index, owner, now),
    );
    ids.push(...some.map(({ id }) => id));
    const times = { created: now - 90 * 24 * 60 * minute, modified: now };
    await hub.db.transaction().execute(async (tx) => {
      await tx
        .insertInto('devices')
        .values(
          some.map(({ id, prn, site, seen, ring }, index) => ({
            id,
            prn,
            nick: `${site}_${String(from + index).padStart(6, '0')}`,
            owner,
            secret: '',
            challenge: null,
            is_public: 0,
            user_meta: JSON.stringify({ 'tag.site': site, 'tag.ring': ring, note: `device ${from + index}` }),
            device_meta: JSON.stringify({ 'pantavisor.version': `02${index % 3}`, 'pantavisor.arch': 'aarch64/64/EL' }),
            garbage_since: null,
            tokens_from: 0,
            seen,
            address: '192.0.2.1',
            ...times,
          })),
        )
        .execute();
      await tx
        .insertInto('trails')
        .values(
          some.map(({ id, prn, status, rev }) => ({
            id,
            owner,
            device: prn,
            last_rev: rev,
            progress_rev: status === 'NEW' ? rev - 1 : rev,
            status: status === 'NEW' ? 'DONE' : status,
            last_insync: now,
            last_touched: now,
            garbage_since: null,
          })),
        )
        .execute();
      await tx
        .insertInto('steps')
        .values(
          some.flatMap(({ id, prn, status, message, rev }) =>
            [rev - 1, rev].map((at) => {
              const said = at < rev ? 'DONE' : status;
              const total = { current_time: 0, start_time: 0, total_downloaded: 0, total_size: 0 };
              const progress = {
                downloads: { objects: null, total },
                log: '',
                progress: said === 'DONE' ? 100 : 40,
                status: said,
                'status-msg': at < rev ? '' : message,
              };
              return {
                id: `${id}-${at}`,
                trail_id: id,
                rev: at,
                owner,
                device: prn,
                commit_msg: `revision ${at}`,
                state: stateOf(at),
                state_sha: `${String(at).repeat(64)}`.slice(0, 64),
                meta: '{}',
                progress: JSON.stringify(progress),
                status: said,
                progress_time: now,
                step_time: now,
                used_objects: '[]',
                ...times,
              };
            }),
          ),
        )
        .execute();
    });
  }
  return ids;
}
