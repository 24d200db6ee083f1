/** Logs for real: what containers write by every way, on disk, over a crash of the runtime, and rotated. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { basename, dirname } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { temporaryDirectory } from '../harness/cleanup.ts';
import { TestDevice } from '../harness/device.ts';
import { skipWithoutContainers } from '../harness/facilities.ts';
import { until } from '../harness/files.ts';
import { probeContainer, slowReadyContainer, writeRevision } from '../harness/revision.ts';

const options = { skip: await skipWithoutContainers(), timeout: 40_000 };

/** Runs a shell command inside a container. */
function inside(device: TestDevice, name: string, command: string): string {
  const argv = ['-n', name, '-P', `${device.base}/lxc`, '--', '/bin/sh', '-c', command];
  return execFileSync('lxc-attach', argv, { encoding: 'utf8' });
}

const read = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '');

/** A log with its archives, oldest first. */
function wholeLog(path: string): string {
  const directory = dirname(path);
  const archives = (existsSync(directory) ? readdirSync(directory) : []).filter(
    (name) => name.startsWith(`${basename(path)}.`) && name.endsWith('.gz'),
  );
  const numberOf = (name: string) => Number(/\.(\d+)\.gz$/.exec(name)?.[1]);
  const texts = archives
    .sort((left, right) => numberOf(left) - numberOf(right))
    .map((name) => gunzipSync(readFileSync(`${directory}/${name}`)).toString());
  return texts.join('') + read(path);
}

/** One message to a socket of the host. */
function say(socketPath: string, message: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath, () => socket.end(message));
    socket.on('error', reject).on('close', () => resolve());
    socket.resume();
  });
}

test(
  'what containers log by every way is found in their files, also after a crash of the runtime',
  options,
  async (t) => {
    const device = new TestDevice(t);
    const follower = { logs: [{ file: '/var/log/app/app.log' }] };
    const revision = await writeRevision(temporaryDirectory(t), [
      probeContainer('a', ['init'], { runJson: follower }),
      probeContainer('b'),
      slowReadyContainer(0),
    ]);
    const run = device.start(revision);
    await run.ready();
    const logs = `${device.storage}/logs/0`;

    inside(device, 'a', 'mkdir -p /var/log/app; printf "first\\nsecond\\nhalf" >> /var/log/app/app.log');
    await until(logs, () => read(`${logs}/a/var/log/app/app.log`) === 'first\nsecond\n');
    inside(device, 'a', 'printf "%s\\n" " a line" >> /var/log/app/app.log; mv /var/log/app/app.log /var/log/app/old');
    inside(device, 'a', 'echo new > /var/log/app/app.log');
    await until(logs, () => read(`${logs}/a/var/log/app/app.log`) === 'first\nsecond\nhalf a line\nnew\n');

    assert.equal(inside(device, 'b', 'readlink /dev/log').trim(), '/pantavisor/.log');
    inside(device, 'b', 'logger -t program -p user.err "by syslog"');
    await until(logs, () => read(`${logs}/b/program`) === 'by syslog\n');
    inside(device, 'b', 'mkdir -p /var/log; echo by default > /var/log/messages');
    await until(logs, () => read(`${logs}/b/var/log/messages`) === 'by default\n');

    await until(logs, () => /slow-ready: ready/.test(read(`${logs}/slow-ready/lxc/console.log`)));
    await say(`${device.base}/pv/pv-ctrl-log`, '{"version":0,"level":"WARN","src":"host","message":"from outside"}');
    await until(logs, () => /WARN\t -- \[host\]: from outside\n/.test(device.log()));

    run.signal('SIGKILL');
    await run.exited;
    inside(device, 'a', 'echo while nobody looked >> /var/log/app/app.log');
    const second = device.start();
    await second.ready();
    await until(logs, () => read(`${logs}/a/var/log/app/app.log`).endsWith('while nobody looked\n'));
    assert.equal(read(`${logs}/a/var/log/app/app.log`).match(/while nobody looked/g)?.length, 1);
    inside(device, 'b', 'logger -t program "to the next runtime"');
    await until(logs, () => read(`${logs}/b/program`) === 'by syslog\nto the next runtime\n');
    inside(device, 'a', 'printf "the last words\\n" >> /var/log/app/app.log');
    await second.stop();
    assert.match(read(`${logs}/a/var/log/app/app.log`), /the last words\n$/);
    assert.deepEqual(device.traces(), []);
  },
);

test('files are rotated and compressed, and old archives make room', options, async (t) => {
  const device = new TestDevice(t, undefined, {
    PV_LOG_DIR_MAXSIZE: '200K',
    PV_LOG_SERVER_OUTPUTS: 'filetree,singlefile',
  });
  const run = device.start(await writeRevision(temporaryDirectory(t), [probeContainer('a')]));
  await run.ready();
  const logs = `${device.storage}/logs/0`;
  const file = `${logs}/a/var/log/messages`;
  const lines = (from: number, to: number) =>
    `mkdir -p /var/log; i=${from}; while [ $i -lt ${to} ]; do echo "line $i of a container that says more than there is room for"; i=$((i+1)); done >> /var/log/messages`;
  for (const round of [0, 1, 2]) {
    inside(device, 'a', lines(round * 100, round * 100 + 100));
    await until(logs, () => wholeLog(file).includes(`line ${round * 100 + 99} of`));
  }
  assert.ok(existsSync(`${file}.1.gz`));
  await run.stop();
  assert.deepEqual(
    wholeLog(file)
      .match(/^line \d+/gm)
      ?.map((line) => Number(line.slice(5))),
    Array.from({ length: 300 }, (_, number) => number),
  );
  const messages = [...wholeLog(`${logs}/pv.log`).matchAll(/^.*"src":"\/var\/log\/messages".*$/gm)];
  assert.equal(messages.length, 300);
  assert.equal(JSON.parse(messages[0]?.[0] ?? '{}').platform, 'a');
});
