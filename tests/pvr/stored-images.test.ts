import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { makeWorkspace, type Workspace } from '../../apps/pvr/src/testing/workspace.ts';
import { atEnd } from '../harness/cleanup.ts';
import { makeImage, must, skipWithoutRegistry } from './real-registry.ts';

const skip =
  skipWithoutRegistry() ||
  (process.getuid?.() !== 0 && 'the storage of podman needs root') ||
  (spawnSync('sh', ['-c', 'command -v podman']).status !== 0 && 'this machine lacks podman');
const options = { skip, timeout: 120_000 };

/** Podman's storage in a directory of its own, with an image in it. */
function storage(context: TestContext): { directory: string; environment: Record<string, string> } {
  const directory = mkdtempSync(join(tmpdir(), 'pvr-podman-'));
  const configuration = join(directory, 'storage.conf');
  const environment = { CONTAINERS_STORAGE_CONF: configuration };
  writeFileSync(
    configuration,
    `[storage]\ndriver = "vfs"\ngraphroot = "${directory}/graph"\nrunroot = "${directory}/run"\n`,
  );
  atEnd(context, () => {
    // The storage keeps nothing mounted with this driver.
    rmSync(directory, { recursive: true, force: true });
  });
  const image = makeImage(directory, 'layout', 'stored');
  const copied = spawnSync(
    'skopeo',
    ['copy', '--insecure-policy', `oci:${image}`, 'containers-storage:localhost/web:v1'],
    { encoding: 'utf8', timeout: 60_000, env: { ...process.env, ...environment } },
  );
  assert.equal(copied.status, 0, copied.stderr);
  return { directory, environment };
}

async function add(
  space: Workspace,
  name: string,
  environment: Record<string, string>,
): Promise<Record<string, string>> {
  const argv = ['app', 'add', name, '--from', 'localhost/web:v1', '--source', 'local'];
  await space.ok(argv, '.', environment);
  assert.equal(must('unsquashfs', ['-cat', space.path(`${name}/root.squashfs`), 'etc/greeting']), 'stored');
  return JSON.parse(readFileSync(space.path(`${name}/src.json`), 'utf8'));
}

test('an image that podman has becomes an app, and is named by its digest', options, async (context) => {
  const { environment } = storage(context);
  const space = makeWorkspace(context, environment);
  await space.ok(['init']);
  const source = await add(space, 'web', {});
  assert.match(source.docker_digest!, /^localhost\/web@sha256:[0-9a-f]{64}$/);
  assert.equal(source.docker_source, 'local');

  rmSync(space.path('web/root.squashfs'));
  await space.ok(['app', 'install', 'web']);
  assert.ok(existsSync(space.path('web/root.squashfs')));
  assert.match((await space.run(['app', 'install', 'web'])).err, /already up to date/);

  const unknown = await space.run(['app', 'add', 'none', '--from', 'localhost/none', '--source', 'local']);
  assert.equal(unknown.code, 3);
  assert.match(unknown.err, /cannot find the image localhost\/none in docker or podman/);
});

test('docker is asked through its API', options, async (context) => {
  const { directory, environment } = storage(context);
  const socket = join(directory, 'docker.sock');
  const service: ChildProcess = spawn('podman', ['system', 'service', '--time', '0', `unix://${socket}`], {
    env: { ...process.env, ...environment },
    stdio: 'ignore',
  });
  const ended = once(service, 'exit');
  atEnd(context, async () => {
    service.kill();
    await ended;
  });
  for (let accepted = false; !accepted; await pause(50)) {
    assert.equal(service.exitCode, null, 'the service ended');
    const client = connect(socket);
    accepted = await Promise.race([
      once(client, 'connect').then(() => true),
      once(client, 'error').then(() => false),
    ]).catch(() => false);
    client.destroy();
  }
  // Without the storage, the programs find nothing: it can only come through the API.
  const space = makeWorkspace(context, { CONTAINERS_STORAGE_CONF: '/dev/null' });
  await space.ok(['init']);
  const source = await add(space, 'web', { DOCKER_HOST: `unix://${socket}` });
  assert.match(source.docker_digest!, /^localhost\/web@sha256:[0-9a-f]{64}$/);
});

test('without podman, skopeo reads what buildah has stored', options, async (context) => {
  const { directory, environment } = storage(context);
  const programs = join(directory, 'bin');
  must('mkdir', [programs]);
  for (const name of ['skopeo', 'sqfstar', 'unsquashfs', 'sync'])
    must('ln', ['-s', must('sh', ['-c', `command -v ${name}`]).trim(), join(programs, name)]);
  const space = makeWorkspace(context, { ...environment, PATH: programs });
  await space.ok(['init']);
  const source = await add(space, 'web', {});
  assert.match(source.docker_digest!, /^sha256:[0-9a-f]{64}$/);
});
