import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Origins, reasonFor } from './reasons.ts';

test('members are explained by what they are', () => {
  const keys = [
    'web/root.squashfs',
    '_config/web/etc/page',
    '_sigs/web.json',
    'web/run.json',
    'web/odd',
    'device.json',
  ];
  assert.deepEqual(keys.map(reasonFor), [
    'root file system of web',
    'laid over the root file system of web',
    'signature over a part',
    'how web is run: group, volumes, recovery',
    'a file of web',
    'groups of containers, disks and volumes of the device',
  ]);
});

test('a member comes from the last part that has changed it, whose path and password stay here', () => {
  const origins = new Origins();
  origins.merged('/home/somebody/apps#web,-db', { 'web/run.json': {}, 'web/root.squashfs': 'a' });
  origins.merged('https://user:secret@hub.example/u/d', { 'web/run.json': {}, 'web/root.squashfs': 'b' });
  assert.equal(origins.of('web/run.json'), 'apps#web,-db');
  assert.equal(origins.of('web/root.squashfs'), 'https://hub.example/u/d');
  assert.equal(origins.of('device.json'), 'pv-image');
});
