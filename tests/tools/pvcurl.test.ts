/** pvcurl against a real control socket: the build for the shell and the one in the static executable keep the same rules. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startControl } from '../../apps/device/src/control/server.ts';
import { createScriptedRooms } from '../../apps/device/src/control/testing/scripted-rooms.ts';
import { createFiles } from '../../apps/device/src/host/node/files.ts';
import { createHttp } from '../../apps/device/src/host/node/http.ts';
import { createText } from '../../apps/device/src/host/node/text.ts';
import type { HttpServer } from '../../apps/device/src/host/ports.ts';

const options = { timeout: 60_000 };
const directory = mkdtempSync(join(tmpdir(), 'control-pvcurl-'));
const socketPath = join(directory, 'pv-ctrl');
const program = fileURLToPath(new URL('../../apps/device-tools/bin/pvcurl', import.meta.url));
let server: HttpServer;

before(async () => {
  const rooms = await createScriptedRooms({ files: createFiles(), text: createText() }, join(directory, 'storage'));
  server = await startControl(createHttp(), socketPath, rooms);
});
after(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

async function run(...argv: string[]) {
  const child = spawn(program, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code, stdout, stderr };
}
const ask = (...argv: string[]) => run('--unix-socket', socketPath, ...argv);

test('prints the body, and what a format asks for after it', options, async () => {
  const plain = await ask('http://localhost/containers');
  assert.deepEqual([plain.code, plain.stderr], [0, '']);
  assert.equal(JSON.parse(plain.stdout)[0].name, 'board');
  const formatted = await ask(
    '-s',
    '-w',
    '\\n%{http_code}',
    '--connect-timeout',
    '5',
    '--max-time',
    '20',
    '/containers',
  );
  assert.equal(formatted.stdout, `${plain.stdout}\n200`);
  const missing = await ask('-s', '-o', '/dev/null', '-w', "'%{http_code}'", 'nothing');
  assert.deepEqual([missing.code, missing.stdout], [0, '400']);
});

test('sends text and files, and receives into files', options, async () => {
  const changed = await ask('-X', 'PUT', '--data', '{"action":"stop"}', '-w', '%{http_code}', '/containers/app');
  assert.equal(changed.stdout, '200');
  const content = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index * 7));
  const [file, copy] = [join(directory, 'file'), join(directory, 'copy')];
  writeFileSync(file, content);
  const target = `http://localhost/objects/${createHash('sha256').update(content).digest('hex')}`;
  assert.equal((await ask('-X', 'PUT', '-T', file, '-w', '%{http_code}', target)).stdout, '200');
  assert.equal((await ask('-o', copy, target)).code, 0);
  assert.deepEqual(readFileSync(copy), content);
});

test('shows headers and the conversation on request', options, async () => {
  const { stdout, stderr } = await ask('-i', '-v', '-H', 'X-Mine: yes', '/groups');
  assert.match(stdout, /^HTTP\/1\.[01] 200 OK\r\n[\s\S]*\r\n\r\n\[/);
  assert.match(stderr, /> GET \/groups/);
  assert.match(stderr, /< HTTP\/1\.[01] 200/);
});

test('says what is missing or wrong, and ends with 1', options, async () => {
  const wrong: [string[], RegExp][] = [
    [['/groups'], /name the socket/],
    [['--unix-socket', socketPath], /without a URL/],
    [['--unix-socket', '/nowhere', '/groups'], /cannot connect to \/nowhere/],
    [['--unix-socket', socketPath, '--nothing', '/groups'], /--nothing/],
    [['--unix-socket', socketPath, '/groups', '-w'], /-w without a value/],
    [['--unix-socket', socketPath, '-T', '/no/such/file', '/groups'], /cannot read \/no\/such\/file/],
  ];
  for (const [argv, message] of wrong) {
    const { code, stderr } = await run(...argv);
    assert.equal(code, 1, argv.join(' '));
    assert.match(stderr, message);
  }
  assert.equal((await run('--unix-socket', '/nowhere', '-s', '/groups')).stderr, '');
  for (const argv of [[], ['--help']]) {
    const { code, stdout } = await run(...argv);
    assert.deepEqual([code, /^Usage: pvcurl /.test(stdout)], [0, true]);
  }
});
