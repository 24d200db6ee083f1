/** Debian's dropbear as an ssh server on loopback, with a key of its own, in a mount namespace that hides root's own keys. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { atEnd } from '../harness/cleanup.ts';
import { must } from './real-registry.ts';

/** Why tests over ssh cannot run here, or false. */
export function skipWithoutSsh(): false | string {
  if (process.getuid?.() !== 0) return 'an ssh server needs root';
  const missing = ['dropbear', 'dropbearkey', 'ssh', 'ssh-keygen', 'nc', 'unshare'].filter(
    (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0,
  );
  return missing.length === 0 ? false : `this machine lacks ${missing.join(', ')}`;
}

export interface SshServer {
  port: number;
  /** The ssh program with the key that the server knows. */
  program: string;
}

export async function startSshServer(context: TestContext): Promise<SshServer> {
  const directory = mkdtempSync(join(tmpdir(), 'pvr-sshd-'));
  atEnd(context, () => rmSync(directory, { recursive: true, force: true }));
  const [key, hostKey] = [join(directory, 'key'), join(directory, 'host-key')];
  must('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  must('dropbearkey', ['-t', 'ed25519', '-f', hostKey]);
  const port = await freePort();
  const script = join(directory, 'server.sh');
  writeFileSync(
    script,
    `set -e
mkdir -p /root/.ssh
mount -t tmpfs -o mode=700 tmpfs /root/.ssh
install -m 600 ${key}.pub /root/.ssh/authorized_keys
exec dropbear -F -E -s -m -p 127.0.0.1:${port} -r ${hostKey} -P ${directory}/pid
`,
  );
  chmodSync(script, 0o755);
  const child = spawn('unshare', ['-m', 'sh', script], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'exit');
  atEnd(context, async () => {
    child.kill();
    await ended;
  });
  await new Promise<void>((resolve, reject) => {
    const said: string[] = [];
    createInterface(child.stderr).on('line', (line) => {
      said.push(line);
      if (/Not backgrounding/.test(line)) resolve();
    });
    void ended.then(() => reject(new Error(`dropbear ended:\n${said.join('\n')}`)));
  });
  const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR', 'BatchMode=yes'];
  return { port, program: `ssh -F /dev/null -i ${key} ${options.map((option) => `-o ${option}`).join(' ')}` };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
