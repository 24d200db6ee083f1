import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { makeWorkspace } from '../../apps/pvr/src/testing/workspace.ts';
import { skipWithoutContainers } from '../harness/facilities.ts';
import { probeContainer } from '../harness/revision.ts';
import { UpdateDevice } from '../harness/update-device.ts';
import { skipWithoutSsh, startSshServer } from './ssh-server.ts';

test('a device is cloned and posted to over ssh, also when the server forwards no sockets', {
  skip: (await skipWithoutContainers()) || skipWithoutSsh(),
  timeout: 180_000,
}, async (context) => {
  const device = await UpdateDevice.install(context, [probeContainer('probe')]);
  const server = await startSshServer(context);
  const space = makeWorkspace(context, { PVR_SSH: server.program });
  const reference = `ssh://root@127.0.0.1:${server.port}${device.device.socket}`;
  await space.ok(['clone', reference, 'copy']);
  assert.ok(readFileSync(space.path('copy/probe/run.json'), 'utf8').includes('probe'));
  assert.equal(await space.ok(['status'], 'copy'), '');

  space.write({ 'copy/note.json': { over: 'ssh' }, 'copy/raw/blob': 'x'.repeat(300_000) });
  await space.ok(['add', '.'], 'copy');
  await space.ok(['commit'], 'copy');
  const { code, err } = await space.run(['post', '-m', 'over ssh', '--rev', 'shell'], 'copy');
  assert.equal(code, 0, err);
  assert.match(err, /Successfully posted Revision locals\/shell \([0-9a-f]{8}\) to device id root@127\.0\.0\.1/);
  await device.ended('locals/shell').catch(() => device.run.exited);
  await device.rest('locals/shell');
  const state = JSON.parse(await space.ok(['inspect', '--json', reference]));
  assert.deepEqual(state['note.json'], { over: 'ssh' });
});

test('what keeps one from a device over ssh is told', { skip: skipWithoutSsh(), timeout: 60_000 }, async (context) => {
  const server = await startSshServer(context);
  const space = makeWorkspace(context, { PVR_SSH: server.program });
  const nowhere = await space.run(['inspect', `ssh://root@127.0.0.1:${server.port}/run/nothing-here`]);
  assert.equal(nowhere.code, 3);
  assert.match(nowhere.err, /cannot reach root@127\.0\.0\.1: nothing answers at its control socket/);
  const closed = await space.run(['inspect', 'ssh://root@127.0.0.1:1/run/nothing-here']);
  assert.equal(closed.code, 3);
  assert.match(closed.err, /cannot reach root@127\.0\.0\.1: ssh ended with exit code 255/);
  const missing = await space.run(['inspect', `ssh://root@127.0.0.1:${server.port}`], '.', { PVR_SSH: '/no/such/ssh' });
  assert.match(missing.err, /cannot reach .*ENOENT/);
});
