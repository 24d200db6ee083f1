import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { liveConfig } from '../config/live.ts';
import { ConfigStore } from '../config/store.ts';
import { createMemoryHost } from '../host/memory/host.ts';
import type { MemoryProgram } from '../host/memory/machine.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { SshServer } from './ssh.ts';

const server = '/usr/sbin/dropbear';

/** A device with an SSH server; `settings` can be changed while it runs. */
async function machine(program: MemoryProgram, settings: Record<string, string> = {}, entrance = true) {
  const host = createMemoryHost({ programs: { [server]: program } });
  for (const path of ['/usr/sbin', '/usr/bin']) await makeDirectories(host.files, path);
  await host.files.write(server, '');
  if (entrance) await host.files.write('/usr/bin/fallbear-cmd', '');
  const store = new ConfigStore(
    Object.entries({ PV_DEBUG_SSH: '1', ...settings }).map(([name, value]) => ({ name, value, source: 'test' })),
  );
  const lines: string[] = [];
  const config = { ...liveConfig(store) };
  const ssh = new SshServer({
    host,
    config,
    userMeta: '/run/user-meta',
    log: (level, _, message) => void lines.push(`${level} ${message}`),
  });
  const follow = async () => {
    await ssh.follow();
    await host.settle();
  };
  return { host, ssh, config, lines, follow };
}

/** Runs until it is killed. */
function resident() {
  const started: string[][] = [];
  const program: MemoryProgram = (argv) => {
    started.push(argv);
    return new Promise(() => {});
  };
  return { started, program };
}

test('the switch starts one server with the keys of user metadata, and ends it', async () => {
  const { started, program } = resident();
  const { config, lines, follow } = await machine(program);
  await follow();
  await follow();
  const keys = '/run/user-meta/pvr-sdk.authorized_keys';
  assert.deepEqual(started, [[server, '-F', '-p', '0.0.0.0:8222', '-n', keys, '-R', '-c', '/usr/bin/fallbear-cmd']]);
  config.PV_DEBUG_SSH = false;
  await follow();
  assert.deepEqual(lines, ['INFO SSH server on 0.0.0.0:8222', 'INFO SSH server has ended (SIGKILL)']);
  config.PV_DEBUG_SSH = true;
  await follow();
  assert.equal(started.length, 2);
});

test('keys can come from a file of the installation; without an entrance there is no server', async () => {
  const { started, program } = resident();
  const named = { PV_DEBUG_SSH_AUTHORIZED_KEYS: 'mine', PV_SYSTEM_ETCPANTAVISORDIR: '/etc/pantavisor' };
  await (await machine(program, named)).follow();
  assert.equal(started[0]?.[5], '/etc/pantavisor/ssh/mine');
  await (await machine(program, {}, false)).follow();
  assert.equal(started.length, 1);
});

test('a server that does not take the keys of one file is named, in one line', async () => {
  const stderr = 'Invalid option -n\nDropbear server v2022.83\nUsage: dropbear [options]\n';
  const { lines, follow } = await machine(() => ({ code: 1, stderr }));
  await follow();
  assert.equal(lines.length, 2);
  assert.match(lines[1] ?? '', /^ERROR cannot offer SSH: \/usr\/sbin\/dropbear does not know -n/);
});

test("that is what Debian's says", { skip: existsSync(server) ? false : `this machine lacks ${server}` }, () => {
  const { stderr, stdout } = spawnSync(server, ['-F', '-n', '/nowhere'], { encoding: 'utf8', timeout: 10_000 });
  assert.match(`${stderr}${stdout}`, /^Invalid option -n$/m);
});
