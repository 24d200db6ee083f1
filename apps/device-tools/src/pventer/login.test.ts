import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ToolHost } from '../host/ports.ts';
import { destinationOf, runLogin } from './login.ts';

test('user names lead into containers, to their terminals, or to the device', () => {
  assert.deepEqual(destinationOf('web'), { kind: 'container', name: 'web' });
  assert.deepEqual(destinationOf('2@web'), { kind: 'console', name: 'web', terminal: '2' });
  for (const user of ['_pv_', '/']) assert.deepEqual(destinationOf(user), { kind: 'device' });
  for (const user of ['', 'x@web', '@web', '1@', '-1@web']) assert.equal(destinationOf(user), undefined, user);
});

test('a login runs a shell or the command that came with it', async () => {
  const ran: (readonly string[])[] = [];
  const said: string[] = [];
  const login = (environment: Record<string, string>) =>
    runLogin({
      environment,
      stderr: { write: (text: string | Uint8Array) => void said.push(String(text)) },
      run: async (argv: readonly string[]) => {
        ran.push(argv);
        return 7;
      },
    } as unknown as ToolHost);
  assert.equal(await login({ USER: '_pv_' }), 7);
  assert.equal(await login({ USER: '/', SSH_ORIGINAL_COMMAND: 'ls -l; id' }), 7);
  assert.equal(await login({ USER: '1@web', LXC_PATH: '/l' }), 7);
  assert.deepEqual(ran, [
    ['/bin/sh', '-l'],
    ['/bin/sh', '-c', 'ls -l; id'],
    ['lxc-console', '-n', 'web', '-t', '1', '-P', '/l'],
  ]);
  assert.equal(await login({ USER: 'a@b' }), 1);
  assert.deepEqual(said, ['no container found: a@b\n']);
});
