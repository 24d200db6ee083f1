/** Revisions of the device and revisions of the Hub on one device: neither gets in the way of the other. Whole devices, in virtual time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HttpAnswer, HttpCall, HttpTake } from '../host/http-client.ts';
import { encodeUtf8 } from '../host/memory/utf8.ts';
import { UpdateDevice, versioned } from '../updates/testing/update-device.ts';
import { SteadyHub } from './testing/steady-hub.ts';

const timeout = 30_000;
const remote = { PV_CONTROL_REMOTE: '1', PH_CREDS_HOST: 'http://hub', PV_LOG_LEVEL: '4' };
const always = { ...remote, PV_CONTROL_REMOTE_ALWAYS: '1' };
const initial = [versioned('web', 1), versioned('db', 1)];

async function install(environment: Record<string, string>, prepare: (hub: SteadyHub) => void = () => {}) {
  const hub = new SteadyHub();
  prepare(hub);
  const device = await UpdateDevice.install(initial, { environment, httpClient: hub });
  return { hub, device, environment };
}
type Place = Awaited<ReturnType<typeof install>>;

/** A state of the same objects as the installed one, so that nothing has to be downloaded; changes the web container in place. */
async function stateOf({ device }: Place, change: string): Promise<string> {
  const state = JSON.parse(await device.host.files.readText('/data/trails/0/.pvr/json'));
  return JSON.stringify({ ...state, 'web/run.json': { ...state['web/run.json'], drivers: { optional: [change] } } });
}

const online = ({ device }: Place) => device.device.line(/the Hub client goes from \S+ to idle/);

/** The runtime has ended, or is about to; the next one runs. */
async function boot({ device, environment }: Place): Promise<void> {
  assert.equal(await device.host.runFor(device.device.exited), 0);
  device.restarted(device.device.restart(environment));
  await device.device.ready();
}

test('a newer step of the Hub, and even one that fails, leaves the progress of the running revision as it is', {
  timeout,
}, async () => {
  const place = await install(remote);
  const { device, hub } = place;
  hub.offer(1, await stateOf(place, 'one'));
  await device.until('1', 'UPDATED');
  hub.offer(
    2,
    JSON.stringify({ '#spec': 'pantavisor-service-system@1', 'web/run.json': { name: 'web', type: 'mcu' } }),
  );
  await device.until('2', 'WONTGO');
  hub.offer(3, await stateOf(place, 'three'));
  await device.host.runUntil(() => hub.statusOf(3) === 'UPDATED');
  assert.equal(await device.statusOf('1'), 'UPDATED');
  assert.equal(await device.statusOf('0'), 'DONE');
  assert.deepEqual(
    [1, 2, 3].map((rev) => hub.statusOf(rev)),
    ['UPDATED', 'WONTGO', 'UPDATED'],
  );
  assert.equal(hub.reports.filter((report) => report === '1 UPDATED').length, 1);
});

test('a device that nobody has claimed tests and keeps a revision without the Hub, and can be claimed afterwards', {
  timeout,
}, async () => {
  const place = await install(always, (hub) => {
    hub.owned = false;
  });
  const { device, hub } = place;
  await device.device.line(/claim device/);
  // Whoever is in a container may show them to its owner.
  const run = (await device.device.socketPath()).replace('/pv-ctrl', '');
  for (const name of ['challenge', 'device-id', 'pantahub-host'])
    assert.equal((await device.host.files.status(`${run}/${name}`))?.mode, 0o444, name);
  await device.store('locals/next', [versioned('web', 2), versioned('db', 1)]);
  assert.equal(await device.command('LOCAL_RUN_COMMIT', 'locals/next'), '200');
  await boot(place);
  await device.until('locals/next', 'DONE');
  hub.owned = true;
  await online(place);
  assert.equal(hub.registrations, 1);
  assert.equal(await device.current(), 'locals/next');
});

test('a local revision is kept though the Hub is lost during its test, and the log says so', { timeout }, async () => {
  const place = await install({ ...always, PH_UPDATER_NETWORK_TIMEOUT: '5', PV_UPDATER_COMMIT_DELAY: '60' });
  const { device, hub } = place;
  await online(place);
  await device.store('locals/next', [versioned('web', 2), versioned('db', 1)]);
  assert.equal(await device.command('LOCAL_RUN', 'locals/next'), '200');
  await device.until('locals/next', 'TESTING');
  hub.reachable = false;
  await device.until('locals/next', 'UPDATED', 'ERROR');
  assert.equal(await device.statusOf('locals/next'), 'UPDATED');
  assert.match(device.device.output, /locals\/next is tested without the Hub/);
});

test('a step of the Hub that comes during another update waits for its end, and is taken then', {
  timeout,
}, async () => {
  const place = await install(always);
  const { device, hub } = place;
  await online(place);
  await device.store('locals/first', [versioned('web', 2), versioned('db', 1)]);
  assert.equal(await device.command('LOCAL_RUN', 'locals/first'), '200');
  hub.offer(5, await stateOf(place, 'five'));
  await device.until('locals/first', 'TESTING');
  // Uploads are free to go on meanwhile.
  await device.store('locals/second', [versioned('web', 3), versioned('db', 1)]);
  assert.match(await device.command('LOCAL_RUN', 'locals/second'), /^503 /);
  assert.equal(await device.statusOf('5'), undefined);
  await device.until('locals/first', 'UPDATED', 'ERROR');
  assert.equal(await device.statusOf('locals/first'), 'UPDATED');
  await device.host.runUntil(() => hub.statusOf(5) === 'UPDATED');
  assert.equal(await device.current(), '5');
  assert.equal(await device.statusOf('locals/second'), 'NEW');
});

test('a local update in place ends the questions to the Hub, which never hears of the revision; also after a reboot', {
  timeout,
}, async () => {
  const place = await install(remote);
  const { device, hub } = place;
  await online(place);
  await device.store('locals/next', [versioned('web', 2), versioned('db', 1)]);
  assert.equal(await device.command('LOCAL_RUN', 'locals/next'), '200');
  await device.until('locals/next', 'TESTING');
  const { polls } = hub;
  const modeOf = async () => JSON.parse((await device.device.request('GET', '/device-meta')).body)['pantavisor.mode'];
  assert.equal(await modeOf(), 'local');
  hub.offer(1, await stateOf(place, 'one'));
  await device.until('locals/next', 'UPDATED');
  await device.host.advance(600_000);
  assert.equal(await device.command('REBOOT_DEVICE'), '200');
  await boot(place);
  await device.until('locals/next', 'DONE');
  await device.host.advance(600_000);
  assert.equal(await modeOf(), 'local');
  assert.deepEqual([hub.polls, hub.reports], [polls, []]);
  assert.match((await device.device.request('GET', '/steps')).body, /"name":"locals\/next"/);
  // The Hub is asked again when somebody says so.
  assert.equal(await device.command('GO_REMOTE'), '200');
  await device.host.runUntil(() => hub.statusOf(1) === 'UPDATED');
});

/** A Hub that tells of a step while it is asked for steps, as happens when an answer and the news cross. */
class HastyHub extends SteadyHub {
  #news: HttpTake | undefined;

  override stream(_: HttpCall, take: HttpTake) {
    this.#news = take;
    queueMicrotask(() => take.open({ status: 200, headers: {} }));
    return { ended: new Promise<never>(() => {}), close: () => {} };
  }

  override async request(call: HttpCall): Promise<HttpAnswer> {
    if (this.statusOf(1) === 'NEW' && call.url.includes('/steps') && call.method === 'GET')
      this.#news?.bytes(encodeUtf8('data: {"type":"step","what":"created"}\n\n'));
    return super.request(call);
  }
}

test('a step that is offered twice in a row is stored and tried once, without a complaint', { timeout }, async () => {
  const hub = new HastyHub();
  const device = await UpdateDevice.install(initial, { environment: remote, httpClient: hub });
  const place = { hub, device, environment: remote };
  await device.device.line(/the Hub tells what is new/);
  hub.offer(1, await stateOf(place, 'one'));
  await device.until('1', 'UPDATED');
  assert.doesNotMatch(device.device.output, /cannot take the step/);
});
