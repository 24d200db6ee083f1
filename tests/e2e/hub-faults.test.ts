/** What may go wrong between a device and its hub: certificates, objects that are not what they should be. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../harness/cleanup.ts';
import { skipWithoutContainers } from '../harness/facilities.ts';
import { OnlineDevice, withWeb } from '../harness/online-device.ts';

const options = { skip: await skipWithoutContainers(), timeout: 120_000 };

test('over HTTPS a device believes the authority that it was given, and no other', options, async (t) => {
  const authorities = temporaryDirectory(t);
  const online = await OnlineDevice.install(
    t,
    async (account) => {
      copyFileSync(join(account.data, 'tls/self-signed.crt'), join(authorities, 'hub.crt'));
      return { PH_CREDS_HOST: 'localhost', PH_CREDS_PORT: account.tlsPort, PV_LIBTHTTP_CERTSDIR: authorities };
    },
    { 'tls-port': '0', tls: 'self-signed' },
  );
  await online.run.line(/the Hub tells what is new/);
  const { id } = await online.account.device();
  const revision = await online.post(id, 'secure', withWeb('secure'));
  assert.equal((await online.ended(id, revision)).status, 'UPDATED', online.run.lines.slice(-30).join('\n'));
  await online.run.stop();
  // Without its authority the same hub is a stranger: the device goes on, and tells it nothing.
  const nobody = join(authorities, 'nobody');
  mkdirSync(nobody);
  online.device.environment.PV_LIBTHTTP_CERTSDIR = nobody;
  online.run = online.device.start();
  await online.run.ready();
  await online.run.line(/cannot POST https:.*\/auth\/login/);
  assert.ok(!online.run.lines.some((line) => /to idle/.test(line)));
  await online.run.stop();
});

test('an object that never matches its hash ends in WONTGO, and the next step is taken', options, async (t) => {
  const online = await OnlineDevice.install(t, { PV_REVISION_RETRIES: '1' });
  const { id } = await online.account.device();
  const files = await online.build('spoiled', withWeb('spoiled'));
  const before = new Set(globSync('**/*', { cwd: online.account.data }));
  // Held back until the object is spoiled: the device must not be quicker.
  online.run.signal('SIGSTOP');
  const revision = await online.account.post(id, files);
  const wanted = new Set(Object.values(files.ids));
  for (const name of globSync('**/*', { cwd: online.account.data })) {
    const path = join(online.account.data, name);
    if (before.has(name) || !statSync(path).isFile()) continue;
    const content = readFileSync(path);
    if (!wanted.has(createHash('sha256').update(content).digest('hex'))) continue;
    content[0] = (content[0] ?? 0) ^ 1;
    writeFileSync(path, content);
  }
  online.run.signal('SIGCONT');
  const end = await online.ended(id, revision);
  assert.deepEqual([end.status, end['status-msg']], ['WONTGO', 'Max download update retries reached']);
  const next = await online.post(id, 'sound', withWeb('sound'));
  assert.equal((await online.ended(id, next)).status, 'UPDATED', online.run.lines.slice(-30).join('\n'));
  await online.run.stop();
});
