/** An image that somebody downloads from a hub: its device belongs to them from its first contact on. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../harness/cleanup.ts';
import { HubAccount } from '../../harness/hub-account.ts';
import { probeContainer } from '../../harness/revision.ts';
import { machineMissing } from '../harness.ts';
import { ImageDevice } from '../image-device.ts';

test('an image from a hub joins the account of whoever downloaded it, with what they said about it, and takes updates', {
  skip: machineMissing(),
  timeout: 1_800_000,
}, async (t) => {
  const work = temporaryDirectory(t);
  const images = join(work, 'images');
  mkdirSync(images);
  const account = await HubAccount.open(t, { images });
  const device = await ImageDevice.create(t, {
    containers: [probeContainer('app', ['init'], { group: 'app' })],
    hub: {
      PH_CREDS_HOST: 'http://10.0.2.2',
      PH_CREDS_PORT: account.port,
      PH_FACTORY_AUTOTOK: '@'.repeat(64),
    },
    delivery: async (image) => {
      copyFileSync(image, join(images, 'board.img'));
      const [offered] = await account.ask<{ name: string; pairs: boolean }[]>('GET', '/images/');
      assert.deepEqual([offered?.name, offered?.pairs], ['board.img', true]);
      const wish = { pair: true, 'default-user-meta': { 'tag.site': 'berlin' } };
      const { address } = await account.ask<{ address: string }>('POST', '/images/board.img', wish);
      const response = await fetch(account.hub.url + address);
      assert.equal(response.status, 200);
      const downloaded = join(work, 'downloaded.img');
      writeFileSync(downloaded, Buffer.from(await response.arrayBuffer()));
      return downloaded;
    },
  });
  const factory = await device.factory();
  const { console } = await device.start(t);
  await device.ready();
  await console.waitFor(/Hub client goes from .* to idle/, { seconds: 600 });
  const { id } = await account.device();
  const { 'user-meta': told } = await account.ask<{ 'user-meta': Record<string, unknown> }>('GET', `/devices/${id}`);
  assert.deepEqual(told, { 'tag.site': 'berlin' });
  assert.equal((await device.control.userMetadata())['tag.site'], 'berlin', 'the device knows it, too');

  const { mark } = console;
  const next = device.revision(
    'next',
    factory,
    { '_config/app/etc/page': Buffer.from('next') },
    device.factoryObjects(),
  );
  const revision = await account.post(id, next);
  const { status, message } = await device.outcome(revision, mark);
  assert.equal(status, 'UPDATED', message);
});
