/** Configuration on a whole device: what a revision brings along, and what changes while it runs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UpdateDevice, versioned } from '../updates/testing/update-device.ts';
import { MemoryDevice, memoryRevision } from './testing/memory-device.ts';

type Entry = { key: string; value: string; modified: string };

async function entry({ device }: { device: MemoryDevice }, key: string): Promise<[value: string, modified: string]> {
  const list: Entry[] = JSON.parse((await device.request('GET', '/config2')).body);
  const found = list.find((candidate) => candidate.key === key);
  return [found?.value ?? '', found?.modified ?? ''];
}

const oemFile = [
  '# of the board',
  'PV_LOG_AUTO_DEVLOG=0',
  'PV_UPDATER_GOALS_TIMEOUT=77',
  'PV_WDT_MODE=always',
  'PV_LOG_LEVEL=loud',
  'PV_REVISION_RETRY=3',
  'PV_UPDATER_COMMIT_DELAY=2',
  '',
].join('\n');

test('the OEM file of a revision counts from its first container on, and ends with the revision', async () => {
  const configs: string[] = [];
  const device = await MemoryDevice.install(
    (host) => {
      const revision = memoryRevision(host, [{ name: 'web', run: { dev: 1 } }], {
        'acme/default.config': host.hashing.sha256(oemFile),
      });
      revision.objects.set(host.hashing.sha256(oemFile), oemFile);
      return revision;
    },
    {
      environment: { PV_OEM_NAME: 'acme' },
      containers: {
        web: ({ config }) => {
          configs.push(config);
          return {};
        },
      },
    },
  );
  await device.ready();
  const own = { device };
  assert.deepEqual(await entry(own, 'PV_UPDATER_GOALS_TIMEOUT'), ['77', 'oem config']);
  assert.doesNotMatch(configs[0] ?? 'none', /dev\/log/);
  // What was wrong names file, line and key, and nothing of it counts.
  for (const warning of [
    /acme\/default\.config:4: PV_WDT_MODE: cannot set PV_WDT_MODE at level oem config; it is allowed at: pv conf file/,
    /acme\/default\.config:5: PV_LOG_LEVEL: cannot use the value "loud" for PV_LOG_LEVEL/,
    /acme\/default\.config:6: PV_REVISION_RETRY: cannot use an unknown key; did you mean PV_REVISION_RETRIES\?/,
  ])
    assert.match(device.output, warning);
  assert.equal((await entry(own, 'PV_LOG_LEVEL'))[1], 'default');
  const { state, objects } = memoryRevision(device.host, [{ name: 'web', run: { dev: 2 } }]);
  const socket = await device.socketPath();
  const put = async (target: string, body: string | Uint8Array) => {
    const request = { method: 'PUT', target, headers: { host: 'localhost' }, body };
    assert.equal((await device.host.runFor(device.host.request(socket, request)))?.status, 200, target);
  };
  for (const [id, content] of objects) await put(`/objects/${id}`, content);
  await put('/steps/locals/plain', state);
  await device.request('POST', '/commands', '{"op":"LOCAL_RUN","payload":"locals/plain"}');
  // A file that belongs to no container takes a reboot.
  assert.equal(await device.host.runFor(device.exited), 0);
  const after = device.restart({ PV_OEM_NAME: 'acme' });
  await after.ready();
  assert.equal((await entry({ device: after }, 'PV_LOG_AUTO_DEVLOG'))[0], '1');
  assert.match(configs.at(-1) ?? '', /dev\/log/);
  assert.deepEqual((await entry({ device: after }, 'PV_UPDATER_GOALS_TIMEOUT'))[1], 'default');
});

test('user metadata changes a running device: log level, commit delay of the next update, and back again', async () => {
  const device = await UpdateDevice.install([versioned('web', 1)]);
  await device.put('/user-meta/updater.commit.delay', '1');
  await device.put('/user-meta/log.level', '2');
  assert.deepEqual(await entry(device, 'PV_UPDATER_COMMIT_DELAY'), ['1', 'metadata']);
  const before = device.device.output.length;
  await device.store('locals/b', [versioned('web', 2)]);
  const begin = device.host.clock.monotonic();
  await device.device.request('POST', '/commands', '{"op":"LOCAL_RUN","payload":"locals/b"}');
  await device.host.runUntil(async () => {
    const { body } = await device.device.request('GET', '/steps/locals/b/progress');
    return /"status":"(DONE|UPDATED)"/.test(body);
  });
  assert.ok(device.host.clock.monotonic() - begin < 4_000, 'the configured five seconds are those of before');
  assert.doesNotMatch(device.device.output.slice(before), / INFO\t/);
  assert.equal((await device.device.request('DELETE', '/user-meta/log.level')).status, 200);
  assert.equal((await entry(device, 'PV_LOG_LEVEL'))[1], 'default');
});

test('no listing shows a secret to a container, whoever it is; root on the host sees it', async () => {
  const device = await MemoryDevice.install((host) => memoryRevision(host, [{ name: 'web' }]), {
    environment: { PH_CREDS_SECRET: 'hush-hush', PH_FACTORY_AUTOTOK: 'tok-tok' },
  });
  await device.ready();
  const pid = [...device.host.machine.containers.keys()][0] ?? 0;
  for (const target of ['/config', '/config2']) {
    const inside = await device.request('GET', target, '', { pid, uid: 0, gid: 0 });
    assert.equal(inside.status, 200);
    assert.doesNotMatch(inside.body, /hush|tok-tok/);
    assert.match(inside.body, /XXXX/);
    const user = await device.request('GET', target, '', { pid: 1, uid: 1000, gid: 1000 });
    assert.doesNotMatch(user.body, /hush|tok-tok/);
    const root = await device.request('GET', target, '', { pid: 1, uid: 0, gid: 0 });
    assert.match(root.body, /hush-hush/);
  }
  assert.doesNotMatch(device.output, /hush|tok-tok/);
});
