/** A device without a cloud: pvr from another host, transactions over HTTP, and who is kept out, with real containers. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { pvrSdkContainer } from '../../containers/pvr-sdk/recipe.ts';
import type { ContainerRecipe } from '../../containers/src/recipe.ts';
import { temporaryDirectory } from '../harness/cleanup.ts';
import { skipWithoutContainers } from '../harness/facilities.ts';
import { UpdateDevice } from '../harness/update-device.ts';

const program = fileURLToPath(new URL('../../apps/pvr/bin/pvr', import.meta.url));
const run = promisify(execFile);

/** An address of this machine that other machines see. */
const outside = Object.values(networkInterfaces())
  .flat()
  .find((each) => each?.family === 'IPv4' && !each.internal)?.address;

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  for (const server of servers) server.close();
  return ports;
}

/** A page that is a file of the state. */
function pageContainer(port: number, text: string): ContainerRecipe {
  const init = `#!/bin/sh\ntrap 'kill $!; exit 0' PWR TERM\nhttpd -f -p 127.0.0.1:${port} -h /www &\nwait $!\n`;
  return {
    name: 'page',
    rootfs: { files: { '/usr/bin/init': { text: init, executable: true } } },
    network: 'host',
    config: { '/www/index.html': text },
  };
}

test('a device on its own is cloned, changed and posted to with pvr, and changed over HTTP', {
  skip: (await skipWithoutContainers()) || (outside === undefined && 'this machine has no address but loopback'),
  timeout: 120_000,
}, async (t) => {
  const [port, page, plain] = (await freePorts(3)) as [number, number, number];
  // In the group that can be changed in place; on a device of its own it is `platform`.
  const sdk: ContainerRecipe = { ...pvrSdkContainer({ port }), group: 'app' };
  const nobody: ContainerRecipe = { ...pvrSdkContainer({ port: plain }), group: 'app', name: 'plain', role: 'nobody' };
  const device = await UpdateDevice.install(t, [sdk, nobody, pageContainer(page, 'first')]);
  const inside = `http://127.0.0.1:${port}`;
  const anywhere = `http://${outside}:${port}`;
  const answers = async (url: string, init?: RequestInit): Promise<Response> => {
    // The container runs, but its program may only be about to listen.
    for (;;) {
      const answer = await fetch(url, init).catch((error: Error & { cause?: { code?: string } }) => {
        if (error.cause?.code !== 'ECONNREFUSED') throw error;
      });
      if (answer) return answer;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const shown = async () => (await answers(`http://127.0.0.1:${page}/`)).text();

  assert.equal(await shown(), 'first');
  assert.equal((await answers(`${inside}/app/`)).status, 200);
  await assert.rejects(fetch(`${anywhere}/app/`), 'loopback is not for strangers');
  const refused = await answers(`http://127.0.0.1:${plain}/cgi-bin/pvr/json`);
  assert.deepEqual(
    [refused.status, (await refused.json()) as object],
    [403, { Error: 'Request not sent from a mgmt platform' }],
  );
  assert.equal((await answers(`http://127.0.0.1:${plain}/cgi-bin/pvtx/get-config`)).status, 403);

  const home = temporaryDirectory(t);
  const pvr = (argv: string[], cwd: string) =>
    run(program, argv, { cwd, timeout: 60_000, env: { PATH: process.env.PATH, HOME: home } });
  await pvr(['clone', `${inside}/cgi-bin/pvr`, 'mine'], home);
  const mine = join(home, 'mine');
  assert.equal(readFileSync(join(mine, '_config/page/www/index.html'), 'utf8'), 'first');
  writeFileSync(join(mine, '_config/page/www/index.html'), 'second');
  const open = { httpd: { listen: '0.0.0.0', port: String(port) } };
  mkdirSync(join(mine, '_config/pvr-sdk/etc/pvr-sdk'), { recursive: true });
  writeFileSync(join(mine, '_config/pvr-sdk/etc/pvr-sdk/config.json'), JSON.stringify(open));
  await pvr(['add', '.'], mine);
  await pvr(['commit'], mine);
  const { stderr } = await pvr(['post', '-m', 'another page'], mine);
  const [, posted = ''] = /Successfully posted Revision (locals\/\S+)/.exec(stderr) ?? [];
  await device.ended(posted);
  assert.equal(device.progress(posted).status, 'UPDATED');
  assert.equal(await shown(), 'second');

  // Opened, it is there for other hosts, but not for pages of other sites.
  const api = `${anywhere}/cgi-bin/pvtx`;
  assert.equal((await answers(`${api}/status`)).status, 200);
  assert.equal(
    (await fetch(`${api}/begin`, { method: 'POST', headers: { origin: 'http://elsewhere.example' } })).status,
    403,
  );

  writeFileSync(join(mine, '_config/page/www/index.html'), 'third');
  await pvr(['commit'], mine);
  await pvr(['export', '--parts', '_config/page', 'page.tgz'], mine);
  const call = async (method: string, path: string, body?: Blob) => {
    const answer = await fetch(`${api}/${path}`, { method, ...(body === undefined ? {} : { body }) });
    const text = await answer.text();
    assert.equal(answer.status, 200, `${path}: ${text}`);
    return JSON.parse(text);
  };
  await call('POST', 'begin');
  const added = await call('PUT', 'add', new Blob([readFileSync(join(mine, 'page.tgz'))]));
  assert.deepEqual(added, JSON.parse(readFileSync(join(mine, '.pvr/json'), 'utf8')));
  const { revision } = await call('POST', 'commit');
  assert.deepEqual(await call('POST', `run?rev=${revision}`), { status: 'ok' });
  await device.ended(revision);
  assert.equal((await call('GET', `status?rev=${revision}`)).progress.status, 'UPDATED');
  assert.equal((await call('GET', 'status')).rev, revision);
  assert.equal(await shown(), 'third');
  const log = await fetch(`${anywhere}/cgi-bin/logs?tailn=50`);
  assert.match(await log.text(), new RegExp(`update to ${revision}`));
});
