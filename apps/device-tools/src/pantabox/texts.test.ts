/** The small texts that pantabox reads: sources, keys, passwords, progress. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProgressJson } from '@pantavisor/ctrl-api';
import fc from 'fast-check';
import { hasEnded, reasonsIn, shareOf } from './progress.ts';
import { withPassword } from './shadow.ts';
import { imageAdvice, partOfImage, readSource } from './source-text.ts';
import { sshKeyOf, sshKeysOf, wrongLine } from './ssh-keys.ts';

test('what can be installed from, by how it is named', () => {
  const of = (text: string) => readSource(text, (path) => path === 'web');
  assert.deepEqual(of('-'), { kind: 'stdin' });
  assert.deepEqual(of('a'.repeat(64)), { kind: 'object', sha256: 'a'.repeat(64) });
  for (const path of ['/tmp/x', './x', 'x.tgz', 'x.tar.gz', 'web']) assert.deepEqual(of(path), { kind: 'file', path });
  assert.deepEqual(of('https://x.example/web.tgz'), { kind: 'package', url: 'https://x.example/web.tgz' });
  assert.deepEqual(of('https://pvr.example/me/device/#web,bsp'), {
    kind: 'remote',
    url: 'https://pvr.example/me/device',
    parts: ['web', 'bsp'],
  });
  assert.deepEqual(of('192.168.1.20#web'), {
    kind: 'remote',
    url: 'http://192.168.1.20:12368/cgi-bin/pvr',
    parts: ['web'],
  });
  assert.deepEqual(of('192.168.1.20:80'), { kind: 'remote', url: 'http://192.168.1.20:80/cgi-bin/pvr', parts: [] });
  assert.deepEqual(of('[fe80::1]#web'), { kind: 'remote', url: 'http://[fe80::1]:12368/cgi-bin/pvr', parts: ['web'] });
  assert.deepEqual(of('nginx:latest'), { kind: 'image', name: 'nginx:latest' });
  assert.equal(partOfImage('registry.example:5000/x/nginx:1.27'), 'nginx');
  assert.equal(partOfImage('nginx@sha256:00'), 'nginx');
  assert.match(imageAdvice('nginx:latest'), /pvr app add --from nginx:latest nginx\n/);
  fc.assert(fc.property(fc.string(), (text) => void of(text)));
});

const key = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${'b'.repeat(43)} me@laptop`;

test('SSH keys are told from what is none', () => {
  assert.deepEqual(sshKeyOf(` ${key} `), {
    line: key,
    type: 'ssh-ed25519',
    comment: 'me@laptop',
    short: '...bbbbbbbbbbbb',
  });
  assert.equal(sshKeyOf(`restrict,command="x y" ${key}`)?.comment, 'me@laptop');
  assert.equal(sshKeysOf(`# mine\n\n${key}\n`).length, 1);
  assert.equal(wrongLine(`# mine\n\n${key}\n`), undefined);
  assert.match(wrongLine(`${key}\n-----BEGIN OPENSSH PRIVATE KEY-----`)!, /line 2 is a private key/);
  assert.match(wrongLine('ssh-rsa AAAA')!, /line 1 is no public SSH key/);
});

test('a hash takes the place of another, and others stay', () => {
  const file = 'root:old:19000:0:99999:7:::\nme:x:::::::\n';
  assert.equal(withPassword(file, 'root', '$6$new'), 'root:$6$new:19000:0:99999:7:::\nme:x:::::::\n');
  assert.equal(withPassword('', 'root', '$6$new'), 'root:$6$new:::::::\n');
});

const progress = (status: ProgressJson['status'], more: Partial<ProgressJson> = {}): ProgressJson => ({
  status,
  'status-msg': '',
  progress: 100,
  retries: 0,
  ...more,
});

test('an update has ended when its progress says so, not when that of the last time does', () => {
  const look = (found: ProgressJson | undefined, elapsed = 300) => ({ progress: found, elapsed });
  const done = progress('DONE');
  assert.equal(hasEnded(undefined, look(undefined), false), false);
  assert.equal(hasEnded(undefined, look(done), false), true);
  assert.equal(hasEnded(done, look(done), false), false);
  assert.equal(hasEnded(done, look(done), true), true);
  assert.equal(hasEnded(done, look(progress('TESTING')), true), false);
  assert.equal(hasEnded(done, look(progress('UPDATED')), false), true);
  // A device that was asked for what it runs already has nothing to change.
  assert.equal(hasEnded(done, look(done, 60_000), false), true);
});

test('reasons are the messages of the log, each once', () => {
  const line = (msg: string) => JSON.stringify({ tsec: 1, msg });
  assert.deepEqual(reasonsIn({ logs: `${line('cannot start web')}\n${line('cannot start web')}\nplain\n` }), [
    'cannot start web',
    'plain',
  ]);
  assert.deepEqual(reasonsIn({}), []);
});

test('how far it is lies between nothing and all', () => {
  const total = { object_name: 'total', object_id: 'none', start_time: 0, current_time: 0 } as const;
  const loading = (total_downloaded: number) =>
    shareOf(progress('DOWNLOADING', { downloads: { total: { ...total, total_size: 100, total_downloaded } } }));
  assert.ok(loading(0) < loading(50) && loading(50) < loading(100) && loading(100) <= 0.5);
  assert.equal(shareOf(progress('DONE')), 1);
});
