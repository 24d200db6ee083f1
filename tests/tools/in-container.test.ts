/** The tools of a container that has no Node, run inside real containers through pventer; and what containers see of metadata. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '../harness/cleanup.ts';
import { TestDevice } from '../harness/device.ts';
import { skipWithoutContainers } from '../harness/facilities.ts';
import { probeContainer, writeRevision } from '../harness/revision.ts';

const options = { skip: await skipWithoutContainers(), timeout: 240_000 };
const secret = 'a-word-that-stands-nowhere-else';
const tools = fileURLToPath(new URL('../../apps/device-tools/', import.meta.url));

/** A container with the shell builds of the tools, busybox, and nothing else but an nc that knows unix sockets. */
function toolContainer(name: string, role: 'mgmt' | 'nobody') {
  const probe = probeContainer(name, ['init'], { group: 'app', role });
  const script = (file: string) => ({ text: readFileSync(`${tools}sh/${file}`, 'utf8'), executable: true });
  const files = { '/usr/bin/pvcontrol': script('pvcontrol'), '/usr/bin/pvcurl': script('pvcurl') };
  const remount = { default: [{ '/dev': 'noexec' }, { '/pantavisor/(logs|user-meta)': 'noexec,nodev' }] };
  return { ...probe, rootfs: { ...probe.rootfs, packages: ['netcat-openbsd'], files }, runJson: { remount } };
}

/** A container with the static executable by the names of the tools, and no library for it. */
function staticContainer(name: string, directory: string) {
  const argv = [fileURLToPath(new URL('../../apps/device/build-small.ts', import.meta.url))];
  const executable = execFileSync(process.execPath, argv, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
  mkdirSync(`${directory}/usr/bin`, { recursive: true });
  copyFileSync(executable, `${directory}/usr/bin/pvcontrol`);
  symlinkSync('pvcontrol', `${directory}/usr/bin/pvcurl`);
  const probe = probeContainer(name, ['init'], { group: 'app', role: 'mgmt' });
  return { ...probe, rootfs: { ...probe.rootfs, trees: [...(probe.rootfs.trees ?? []), directory] } };
}

interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

test('pvcontrol and pvcurl in containers with nothing but a shell', options, async (t) => {
  const device = new TestDevice(t, undefined, { PH_CREDS_SECRET: secret });
  const revision = await writeRevision(temporaryDirectory(t), [
    toolContainer('boss', 'mgmt'),
    toolContainer('plain', 'nobody'),
  ]);
  const run = device.start(revision);
  await run.line(/^ready socket=/m);

  const inside = (container: string, command: string) =>
    new Promise<Result>((resolve) => {
      execFile(
        `${tools}bin/pventer`,
        ['-s', device.socket, '-c', container, command],
        { timeout: 30_000 },
        (error, stdout, stderr) => resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
      );
    });
  const good = async (container: string, command: string) => {
    const result = await inside(container, command);
    assert.deepEqual([result.code, result.stderr], [0, ''], command);
    return result.stdout;
  };

  await t.test('the shell is that of busybox, and its end is that of pventer', async () => {
    assert.match(await good('boss', 'readlink /proc/$$/exe'), /busybox/);
    assert.equal((await inside('boss', 'exit 7')).code, 7);
    const missing = await inside('nobody-here', 'true');
    assert.deepEqual([missing.code, missing.stderr], [1, 'no container found: nobody-here\n']);
  });

  await t.test('a container with the role mgmt lists and changes', async () => {
    const names = (JSON.parse(await good('boss', 'pvcontrol ls')) as { name: string }[]).map(({ name }) => name);
    assert.deepEqual(names.sort(), ['boss', 'plain']);
    assert.equal(await good('boss', `pvcontrol usrmeta save plain.colour 'light "green"'`), '');
    assert.match(await good('boss', 'pvcontrol usrmeta ls'), /"plain.colour":"light \\u0022green\\u0022"/);
    assert.match(await good('boss', 'pvcontrol devmeta ls'), /"pantavisor.revision":"0"/);
    assert.match(await good('boss', 'pvcontrol conf ls'), /PV_LOG_LEVEL/);
    assert.match(await good('boss', 'pvcontrol daemons ls'), /pv-xconnect/);
    assert.equal((await inside('boss', 'pvcontrol devmeta delete nothing')).code, 255);
    assert.equal((await inside('boss', 'pvcontrol steps')).code, 1);
  });

  await t.test('objects pass unharmed in both directions', async () => {
    const work = [
      'head -c 300000 /dev/urandom >/tmp/blob',
      'id=$(sha256sum /tmp/blob | cut -c1-64)',
      'pvcontrol objects put /tmp/blob $id',
      'pvcontrol -f /tmp/back objects get $id',
      'cmp /tmp/blob /tmp/back && echo same',
    ];
    assert.equal(await good('boss', work.join(' && ')), 'same\n');
    const wrong = await inside('boss', `pvcontrol objects put /tmp/blob ${'0'.repeat(64)}`);
    assert.equal(wrong.code, 60);
  });

  await t.test('pvcurl prints status and body as scripts expect them', async () => {
    const curl = `pvcurl --unix-socket /pantavisor/pv-ctrl`;
    assert.match(await good('boss', `${curl} -s -w '\\n%{http_code}' /groups`), /^\[.*\]\n200$/);
    assert.equal(await good('boss', `${curl} -w '%{http_code}' -o /dev/null http://localhost/nothing`), '400');
    assert.match(await good('boss', `${curl} -i /groups`), /^HTTP\/1\.[01] 200 OK\r\n/);
    assert.equal((await inside('boss', 'pvcurl --unix-socket /nowhere /groups')).code, 1);
  });

  await t.test('a container without the role sees its own metadata, and is refused everything', async () => {
    assert.equal(await good('plain', 'cat /pantavisor/user-meta/colour'), 'light "green"');
    assert.equal(await good('boss', 'cat /pantavisor/user-meta/plain.colour'), 'light "green"');
    const entries = async (container: string, path: string) =>
      (await good(container, `ls -A ${path}`)).split('\n').filter((name) => name !== '');
    // The hidden ones: what starts init, and the socket that /dev/log leads to.
    const own = ['.init', '.log', 'device-meta', 'logs', 'pv-ctrl', 'pv-ctrl-log', 'user-meta'];
    assert.deepEqual((await entries('plain', '/pantavisor')).sort(), own);
    assert.deepEqual(await entries('plain', '/pantavisor/user-meta'), ['colour']);
    assert.deepEqual(await entries('plain', '/pantavisor/device-meta'), []);
    const ofManager = await entries('boss', '/pantavisor');
    for (const name of ['pv-ctrl', 'pv-ctrl-log', 'pv-fd-log', 'challenge', 'device-id', 'pantahub-host'])
      assert.ok(ofManager.includes(name), `${name} of ${ofManager}`);
    assert.ok((await entries('boss', '/pantavisor/user-meta')).includes('plain.colour'));
    assert.ok((await entries('boss', '/pantavisor/logs/0')).includes('plain'), 'logs of everybody');
    for (const [container, path] of [
      ['plain', '/pantavisor'],
      ['plain', '/pantavisor/logs'],
      ['boss', '/pantavisor'],
      ['boss', '/pantavisor/logs'],
      ['boss', '/pantavisor/device-meta'],
    ] as const)
      assert.equal((await inside(container, `touch ${path}/x`)).code, 1, `${path} of ${container} is read-only`);
    for (const command of [
      'ls',
      'usrmeta ls',
      'usrmeta save a b',
      'cmd run-gc',
      'daemons stop pv-xconnect',
      'conf ls',
    ]) {
      const refused = await inside('plain', `pvcontrol ${command}`);
      assert.equal(refused.code, 255, command);
      assert.match(refused.stderr, /not sent from a mgmt platform/);
    }
    assert.equal((await inside('plain', 'echo x >/pantavisor/user-meta/colour')).code, 1, 'read-only');
  });

  await t.test('mount points have the options of the remount policy, beside those that they had', async () => {
    const mounts = await good('plain', 'cat /proc/self/mounts');
    assert.match(mounts, /^\S+ \/pantavisor\/logs \S+ ro,(\S*,)?nodev,noexec[, ]/m);
    assert.match(mounts, /^\S+ \/pantavisor\/user-meta \S+ ro,(\S*,)?nodev,noexec[, ]/m);
    assert.match(mounts, /^\S+ \/dev \S+ rw,(\S*,)?noexec[, ]/m);
  });

  await t.test('secrets are for root on the host only', async () => {
    assert.match((await device.request('GET', '/config2')).body, new RegExp(secret));
    for (const verb of ['conf ls', 'config ls']) {
      const seen = await good('boss', `pvcontrol ${verb}`);
      assert.match(seen, /"(PH_CREDS_SECRET|creds\.secret)"/);
      assert.doesNotMatch(seen, new RegExp(secret));
    }
  });

  assert.equal((await run.stop()).code, 0);
  assert.deepEqual(device.traces(), []);
});

test('the static executable is pvcontrol and pvcurl in a container without libraries', {
  ...options,
  timeout: 300_000,
}, async (t) => {
  const device = new TestDevice(t);
  const revision = await writeRevision(temporaryDirectory(t), [staticContainer('boss', temporaryDirectory(t))]);
  const run = device.start(revision);
  await run.line(/^ready socket=/m);
  const good = (command: string) =>
    new Promise<string>((resolve, reject) => {
      const argv = ['-s', device.socket, '-c', 'boss', command];
      execFile(`${tools}bin/pventer`, argv, { timeout: 30_000 }, (error, stdout) =>
        error ? reject(error) : resolve(stdout),
      );
    });
  assert.equal(await good('find / -xdev -name "lib*.so*" -o -xdev -name "ld-*.so*" | wc -l'), '0\n');
  assert.match(await good('pvcontrol ls'), /"name":"boss","group":"app","status":"STARTED"/);
  const groups = JSON.parse(await good('pvcurl --unix-socket /pantavisor/pv-ctrl http://localhost/groups')) as {
    name: string;
  }[];
  assert.ok(groups.some(({ name }) => name === 'app'));
  assert.equal((await run.stop()).code, 0);
  assert.deepEqual(device.traces(), []);
});
