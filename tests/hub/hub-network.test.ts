/** A real device and a real hub with a bad line between them: what is lost, late, cut or refused delays a step, and decides nothing else. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { describe, test } from 'node:test';
import { temporaryDirectory } from '../harness/cleanup.ts';
import { TestClock } from '../harness/clock.ts';
import { skipWithoutContainers } from '../harness/facilities.ts';
import { until } from '../harness/files.ts';
import { HubAccount } from '../harness/hub-account.ts';
import { HubLine, skipWithoutLines } from '../harness/hub-line.ts';
import { OnlineDevice, withWeb } from '../harness/online-device.ts';

const options = { skip: skipWithoutLines() || (await skipWithoutContainers()), timeout: 300_000 };
const part = { timeout: 120_000 };
const said = (online: OnlineDevice) => online.run.lines.slice(-40).join('\n');
const day = 24 * 3_600_000;
/** A call that nobody answered. */
const isSilent = /nothing came for/;

/** Nothing that could be packed. */
const noise = (bytes: number) => randomBytes((bytes * 3) / 4).toString('base64');

/** A revision with a large object. */
const withLoad = (page: string, bytes: number) =>
  withWeb(page, { config: { '/etc/page': page, '/etc/load': noise(bytes) } });

async function assertTaken(online: OnlineDevice, id: string, revision: string, page: string): Promise<void> {
  assert.equal((await online.ended(id, revision)).status, 'UPDATED', said(online));
  assert.equal(await online.page(), page);
}

/** Waits until so many bytes of an object have come that is still on its way. */
async function underWay(online: OnlineDevice, bytes: number): Promise<void> {
  const { storage } = online.device;
  const parts = `${storage}/cache/downloads`;
  const sizeOf = (name: string) => statSync(`${parts}/${name}`, { throwIfNoEntry: false })?.size ?? 0;
  const list = () => {
    try {
      return readdirSync(parts);
    } catch {
      return [];
    }
  };
  await until(`${storage}/cache`, () => list().some((name) => sizeOf(name) > bytes));
}

// Most of their time both wait.
describe('a device, a hub, and a bad line between them', { concurrency: true }, () => {
  test(
    'objects arrive over a line that loses, lags and is cut, from a hub that dies or has no time',
    options,
    async (t) => {
      const clock = new TestClock(temporaryDirectory(t));
      const line = await HubLine.open(t, clock.environment);
      const account = await HubAccount.open(t, {}, line);
      const relay = await line.relay(t, { hub: Number(account.port) });
      const way = { PH_CREDS_HOST: `http://${line.address}`, PH_CREDS_PORT: relay.port, PH_LIBEVENT_HTTP_TIMEOUT: '3' };
      const online = await OnlineDevice.install(t, way, account);
      const { id } = await account.device();
      const resumed = (from: number) =>
        relay.requests
          .slice(from)
          .filter(({ request, range }) => request.startsWith('GET /local-s3/') && range !== undefined);

      await t.test('lost packets, latency, and a connection that is cut in the middle', part, async () => {
        line.lose(3);
        relay.tell({ lag: 30, cutAfter: 1_000_000 });
        const revision = await online.post(id, 'lossy', withLoad('lossy', 2_000_000));
        await assertTaken(online, id, revision, 'lossy');
        assert.equal(resumed(0).length, 1);
        assert.match(resumed(0)[0]?.range ?? '', /^bytes=\d{6,}-$/);
        line.heal();
        relay.tell({ lag: 0 });
      });

      await t.test('a partition in which the hub dies, while an object is under way', part, async () => {
        line.narrow(4000);
        const from = relay.requests.length;
        const revision = await online.post(id, 'parted', withLoad('parted', 2_000_000));
        await underWay(online, 400_000);
        const lines = online.run.lines.length;
        line.cut();
        await account.without(async () => void (await online.run.line(isSilent, lines)));
        line.heal();
        line.widen();
        await assertTaken(online, id, revision, 'parted');
        assert.ok(Number(/\d+/.exec(resumed(from)[0]?.range ?? '')) >= 400_000, 'what was there is not fetched again');
      });

      await t.test('a hub without time, that then knows neither token nor address any more', part, async () => {
        line.narrow(4000);
        const from = relay.requests.length;
        const revision = await online.post(id, 'busy', withLoad('busy', 2_000_000));
        await underWay(online, 400_000);
        relay.tell({ busy: true });
        await relay.seen(({ request, busy }) => busy && request.startsWith('GET /local-s3/'), from);
        clock.set(2 * day);
        relay.tell({ busy: false });
        line.widen();
        await account.login();
        await assertTaken(online, id, revision, 'busy');
        assert.ok(relay.requests.slice(from).some(({ request }) => request === 'POST /auth/login'));
        assert.ok(resumed(from).length >= 1);
      });
      await online.run.stop();
    },
  );

  test('a revision outlives the loss of its hub within the window of its trial, and no other', options, async (t) => {
    const line = await HubLine.open(t);
    const account = await HubAccount.open(t, {}, line);
    const way = { PH_CREDS_HOST: `http://${line.address6}`, PH_CREDS_PORT: account.port };
    // It soon notices that nobody answers.
    const times = { PH_LIBEVENT_HTTP_TIMEOUT: '1', PV_UPDATER_COMMIT_DELAY: '5' };
    const online = await OnlineDevice.install(t, { ...way, ...times }, account);
    const { id } = await account.device();
    const testing = async (page: string) => {
      const revision = await online.post(id, page, withWeb(page));
      await account.reported(id, revision, ['TESTING']);
      return { revision, from: online.run.lines.length };
    };
    const isMissed = /has to reach the Hub again/;

    await t.test('a partition', part, async () => {
      const { revision, from } = await testing('parted');
      line.cut();
      await online.run.line(isMissed, from);
      line.heal();
      await assertTaken(online, id, revision, 'parted');
    });

    await t.test('a restart of the hub', part, async () => {
      const { revision, from } = await testing('restarted');
      await account.without(async () => void (await online.run.line(isMissed, from)));
      await assertTaken(online, id, revision, 'restarted');
    });

    await online.run.stop();
    online.device.environment.PH_UPDATER_NETWORK_TIMEOUT = '3';
    online.run = online.device.start();
    await online.joined();

    const assertGivenUp = async (revision: string, expected: string) => {
      const { status, 'status-msg': message } = await online.ended(id, revision);
      assert.deepEqual([status, message], ['ERROR', expected], said(online));
      const reasons = readFileSync(`${online.device.storage}/trails/${revision}/.pv/reasons`, 'utf8');
      assert.match(reasons, /the Hub could not be reached for 3 s/);
    };

    await t.test('a partition that is too long, while it is tested', part, async () => {
      const { revision } = await testing('lost');
      line.cut();
      await online.run.exited;
      // The last good revision runs without a hub, and reports when there is one.
      online.run = online.device.start();
      await online.run.ready();
      await online.run.line(isSilent);
      assert.equal(await online.page(), 'restarted');
      line.heal();
      await assertGivenUp(revision, 'Hub communication not stable');
    });

    await t.test('a partition before it could be tested', part, async () => {
      const revision = await online.post(id, 'unheard', withWeb('unheard', { restartPolicy: 'system' }));
      await online.run.exited;
      line.cut();
      const tried = online.device.start();
      await tried.exited;
      line.heal();
      online.run = online.device.start();
      await assertGivenUp(revision, 'Hub not reachable');
      await online.run.ready();
      assert.equal(await online.page(), 'restarted');
    });
    await online.run.stop();
  });
});
