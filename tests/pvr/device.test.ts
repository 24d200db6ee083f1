import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { makeWorkspace } from '../../apps/pvr/src/testing/workspace.ts';
import { atEnd } from '../harness/cleanup.ts';
import { skipWithoutContainers } from '../harness/facilities.ts';
import { probeContainer } from '../harness/revision.ts';
import { UpdateDevice } from '../harness/update-device.ts';
import { makeImage, skipWithoutRegistry } from './real-registry.ts';

test('an app made from an image is posted to a running device, and runs', {
  skip: (await skipWithoutContainers()) || skipWithoutRegistry(),
  timeout: 180_000,
}, async (context) => {
  const device = await UpdateDevice.install(context, [probeContainer('probe')]);
  const space = makeWorkspace(context);
  const images = mkdtempSync(join(tmpdir(), 'pvr-images-'));
  atEnd(context, () => rmSync(images, { recursive: true, force: true }));
  const socket = `unix:${device.device.socket}`;
  await space.ok(['clone', socket, 'copy']);
  assert.ok(readFileSync(space.path('copy/probe/run.json'), 'utf8').includes('probe'));
  assert.equal(await space.ok(['status'], 'copy'), '');

  await space.ok(
    [
      'app',
      'add',
      'fresh',
      '--from',
      `oci:${makeImage(images, 'layout', 'hi')}`,
      '--group',
      'app',
      '--arg',
      'PV_RESOLV_CONF_DISABLE=1',
    ],
    'copy',
  );
  await space.ok(['add', '.'], 'copy');
  await space.ok(['commit', '-m', 'a new app'], 'copy');
  const check = JSON.parse(await space.ok(['check', '--json', '--init-mode', 'appengine'], 'copy'));
  assert.equal(check.against, 'device');
  assert.equal(check.transition.kind, 'non-reboot');
  assert.deepEqual(check.transition.start, ['fresh']);
  assert.ok(check.transfer.bytes > 500_000);

  const { err } = await space.run(['post', '-m', 'a new app', '--rev', 'fresh'], 'copy');
  assert.match(err, /Successfully posted Revision locals\/fresh/);
  // It was pvr that asked: the runtime ends the update, or ends itself for a reboot into it.
  await device.ended('locals/fresh').catch(() => device.run.exited);
  await device.rest('locals/fresh');
  assert.equal((await device.device.container('fresh')).status, 'STARTED');
});
