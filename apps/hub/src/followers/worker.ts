import { accountNick, accountPrn } from '../accounts/names.ts';
import { deviceStore } from '../devices/store.ts';
import type { BusEvent } from '../events/bus.ts';
import { Failure } from '../http/failure.ts';
import type { Hub } from '../hub.ts';
import { addressesOf, namedBy, ownHosts } from './address.ts';
import { type Leader, postToFollower, provenStep } from './post.ts';
import { type FollowWork, followQueue, lease } from './queue.ts';

/** Followers that are looked at in one go when no rate is set. */
const unpaced = 500;

/**
 * Lets devices follow others: works through the queue, so many followers of a device a second, that a pack does not come for its
 * objects at once. Whatever is left when a hub ends is done by the next one.
 */
export class Followers {
  readonly #hub: Hub;
  readonly #hosts: ReadonlySet<string>;
  readonly #unlisten: () => void;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(hub: Hub) {
    this.#hub = hub;
    this.#hosts = ownHosts(hub.config);
    this.#unlisten = hub.bus.listen((event) => {
      if (mayMakeWork(event)) this.nudge();
    });
  }

  /** Takes up what an earlier hub left. With SQLite there is no other one that could be at it. */
  async start(): Promise<void> {
    const { database, writer } = this.#hub;
    if (database.dialect === 'sqlite')
      await writer.write((tx) => tx.updateTable('follow_work').set({ due: 0 }).execute());
    this.nudge();
  }

  /** There may be something to do. */
  nudge(): void {
    if (this.#closed) return;
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#again) this.nudge();
    });
  }

  /** Resolves when what was begun is finished. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#again = false;
    this.#unlisten();
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    const { db, writer, clock, log } = this.#hub;
    clearTimeout(this.#timer);
    let wait = lease;
    try {
      while (this.#again) {
        this.#again = false;
        for (;;) {
          const work = this.#closed ? undefined : await writer.write((tx) => followQueue.take(tx, clock()));
          if (work === undefined) break;
          await this.#work(work);
        }
      }
      wait = Math.min(lease, Math.max(0, ((await followQueue.next(db)) ?? Number.POSITIVE_INFINITY) - clock()));
    } catch (error) {
      log.error({ err: error }, 'cannot bring devices what they follow; it is tried again');
    }
    if (this.#closed) return;
    // Also without anything that is due: another hub may have ended in the middle of its work.
    this.#timer = setTimeout(() => this.nudge(), Math.max(10, wait));
    this.#timer.unref();
  }

  async #work(work: FollowWork): Promise<void> {
    const { writer, config, clock } = this.#hub;
    if (work.kind === 'follower') {
      const leader = await this.#leaderOf(work.device);
      if (leader !== undefined) await this.#post(leader, work.device);
      await writer.write((tx) => followQueue.finish(tx, work));
      return;
    }
    const leader = await this.#leader(work.device);
    const size = config['follow-rate'] || unpaced;
    const some = leader === undefined ? [] : await this.#followers(leader, work.past, size);
    for (const id of some) if (leader !== undefined) await this.#post(leader, id);
    const pause = config['follow-rate'] === 0 ? 0 : 1000;
    const last = some.at(-1);
    await writer.write<unknown>((tx) =>
      last === undefined || some.length < size
        ? followQueue.finish(tx, work)
        : followQueue.later(tx, work, last, clock() + pause),
    );
  }

  async #post(leader: Leader, follower: string): Promise<void> {
    const { log } = this.#hub;
    try {
      const rev = await postToFollower(this.#hub, leader, follower);
      if (rev !== undefined) log.info({ leader: leader.device.id, from: leader.step.rev, follower, rev }, 'followed');
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      // The others must not wait for one whose owner has no room.
      log.warn({ leader: leader.device.id, from: leader.step.rev, follower, err: error }, 'cannot follow');
    }
  }

  async #leader(id: string): Promise<Leader | undefined> {
    const device = await deviceStore.find(this.#hub.db, id);
    if (device === undefined || device.owner === '') return undefined;
    const step = await provenStep(this.#hub, id);
    if (step === undefined) return undefined;
    return { device, step, name: `${await accountNick(this.#hub, device.owner)}/${device.nick}` };
  }

  async #leaderOf(follower: string): Promise<Leader | undefined> {
    const { db } = this.#hub;
    const row = await db
      .selectFrom('devices')
      .leftJoin('profiles', 'profiles.prn', 'devices.owner')
      .select(['devices.follows', 'profiles.follows as all'])
      .where('devices.id', '=', follower)
      .where('devices.garbage_since', 'is', null)
      .executeTakeFirst();
    const follows = row?.follows ?? row?.all ?? '';
    if (follows === '') return undefined;
    const named = namedBy(follows);
    if (!this.#hosts.has(named.host)) return undefined;
    if ('id' in named) return this.#leader(named.id);
    const owner = await accountPrn(this.#hub, named.user);
    const device = owner === undefined ? undefined : await deviceStore.findByNick(db, owner, named.nick);
    return device === undefined ? undefined : this.#leader(device.id);
  }

  async #followers({ device }: Leader, past: string, size: number): Promise<string[]> {
    const user = await accountNick(this.#hub, device.owner);
    const addresses = addressesOf(this.#hosts, { id: device.id, nick: device.nick, user });
    const rows = await this.#hub.db
      .selectFrom('devices')
      .select('id')
      .where('garbage_since', 'is', null)
      .where('id', '>', past)
      .where((is) =>
        is.or([
          is('follows', 'in', addresses),
          is.and([
            is('follows', 'is', null),
            is('owner', 'in', is.selectFrom('profiles').select('prn').where('follows', 'in', addresses)),
          ]),
        ]),
      )
      .orderBy('id')
      .limit(size)
      .execute();
    return rows.map(({ id }) => id);
  }
}

/** Events behind which something may have come into the queue. */
function mayMakeWork(event: BusEvent): boolean {
  switch (event.kind) {
    case 'step':
      return (
        (event.what === 'created' && event.rev === 0) ||
        (event.what === 'progress' && ['DONE', 'UPDATED'].includes(event.progress?.status ?? 'DONE'))
      );
    case 'device':
      return event.what === 'user-meta' || event.what === 'changed';
    default:
      return event.kind === 'owner' || event.kind === 'gap';
  }
}
