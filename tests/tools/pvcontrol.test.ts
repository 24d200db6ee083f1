/** pvcontrol against a real control socket with real storage: what it asks, what it prints, and its exit codes. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startControl } from '../../apps/device/src/control/server.ts';
import { createScriptedRooms, type ScriptedRooms } from '../../apps/device/src/control/testing/scripted-rooms.ts';
import { createFiles } from '../../apps/device/src/host/node/files.ts';
import { createHttp } from '../../apps/device/src/host/node/http.ts';
import { createText } from '../../apps/device/src/host/node/text.ts';
import type { HttpServer } from '../../apps/device/src/host/ports.ts';
import { createNodeTools } from '../../apps/device-tools/src/host/node.ts';
import { runPvcontrol } from '../../apps/device-tools/src/pvcontrol/program.ts';

const escapeCode = '\u001b';
const options = { timeout: 30_000 };
const directory = mkdtempSync(join(tmpdir(), 'control-pvcontrol-'));
const socketPath = join(directory, 'pv-ctrl');
const state = '{"#spec":"pantavisor-service-system@1"}';
const tools = createNodeTools();
let rooms: ScriptedRooms;
let server: HttpServer;

before(async () => {
  rooms = await createScriptedRooms({ files: createFiles(), text: createText() }, join(directory, 'storage'));
  server = await startControl(createHttp(), socketPath, rooms);
});
after(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});
beforeEach(() => {
  rooms.runtime.caller = { kind: 'engine' };
  rooms.commands.answer = { ok: true };
  rooms.commands.submitted.length = 0;
});

interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

interface Setting {
  terminal?: boolean;
  environment?: Record<string, string>;
  stdin?: string;
}

/** The static executable instead of Node, as PANTAVISOR_HOST asks for it everywhere. */
const small = process.env.PANTAVISOR_HOST === 'small';
const program = fileURLToPath(new URL('../../apps/device-tools/bin/pvcontrol', import.meta.url));

function run(argv: string[], setting: Setting = {}): Promise<Result> {
  const environment = { PV_CTRL_SOCKET: socketPath, ...setting.environment };
  return small ? runProcess(argv, { ...setting, environment }) : runHere(argv, { ...setting, environment });
}

async function runHere(argv: string[], { terminal = false, environment = {}, stdin = '' }: Setting): Promise<Result> {
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const output = (name: 'stdout' | 'stderr') => ({
    isTTY: terminal,
    columns: 200,
    write: (text: string | Uint8Array) => void chunks[name].push(Buffer.from(text)),
  });
  const code = await runPvcontrol(argv, {
    ...tools,
    stdout: output('stdout'),
    stderr: output('stderr'),
    environment,
    stdin: async function* () {
      yield Buffer.from(stdin);
    },
  });
  return { code, stdout: Buffer.concat(chunks.stdout).toString(), stderr: Buffer.concat(chunks.stderr).toString() };
}

/** With a terminal both streams are one: script(1) makes it, and what it shows stands for either. */
async function runProcess(
  argv: string[],
  { terminal = false, environment = {}, stdin = '' }: Setting,
): Promise<Result> {
  const quoted = [program, ...argv].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const [file, ...rest] = terminal
    ? ['script', '-qec', `stty cols 200; exec ${quoted}`, '/dev/null']
    : [program, ...argv];
  const child = spawn(file!, rest, {
    env: { PATH: process.env.PATH, PANTAVISOR_HOST: 'small', TERM: 'xterm', ...environment },
  });
  child.stdin.on('error', () => {}).end(stdin);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  const shown = stdout.replaceAll('\r\n', '\n');
  return terminal ? { code, stdout: shown, stderr: shown } : { code, stdout, stderr };
}

const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');

test('ls prints the body of the answer into a pipe, and a table on a terminal', options, async () => {
  const piped = await run(['ls']);
  assert.equal(piped.code, 0);
  assert.equal(JSON.parse(piped.stdout)[0].name, 'board');
  assert.ok(piped.stdout.endsWith(']\n'));
  assert.equal((await run(['containers', 'list'])).stdout, piped.stdout);
  const shown = await run(['ls'], { terminal: true, environment: { NO_COLOR: '1' } });
  assert.match(shown.stdout, /^NAME +GROUP +STATUS +GOAL /);
  assert.match(shown.stdout, /\napp +app +STARTED +STARTED +container +mgmt +101 +1\.0 MiB +\d/);
  assert.equal(shown.stdout.includes(escapeCode), false);
  const coloured = await run(['ls'], { terminal: true });
  assert.ok(coloured.stdout.includes(`${escapeCode}[32mSTARTED${escapeCode}[0m`));
  assert.equal((await run(['ls', '--json'], { terminal: true })).stdout, piped.stdout);
  assert.match((await run(['--table', 'ls'])).stdout, /^NAME /);
});

test('every list can be shown as a table', options, async () => {
  for (const argv of [
    ['groups', 'ls'],
    ['objects', 'ls'],
    ['steps', 'ls'],
    ['conf', 'ls'],
    ['config', 'ls'],
    ['graph', 'ls'],
    ['daemons', 'ls'],
    ['drivers', 'ls'],
    ['wakelocks', 'ls'],
  ]) {
    const json = await run(argv);
    assert.equal(json.code, 0, argv.join(' '));
    JSON.parse(json.stdout);
    const table = await run(argv, { terminal: true });
    assert.equal(table.code, 0);
    assert.throws(() => JSON.parse(table.stdout));
  }
});

test('drivers of the calling container are loaded and unloaded, all or one', options, async () => {
  for (const argv of [['load'], ['load', 'wifi'], ['unload'], ['unload', 'wifi']])
    assert.deepEqual(await run(['drivers', ...argv]), { code: 0, stdout: '', stderr: '' });
  const verbose = await run(['-v', 'drivers', 'load', 'wifi']);
  assert.match(verbose.stderr, /> PUT \/drivers\/wifi\/load\n/);
});

test('containers are stopped and started', options, async () => {
  const stopped = await run(['containers', 'stop', 'app']);
  assert.deepEqual(stopped, { code: 0, stdout: '', stderr: '' });
  assert.equal(rooms.runtime.reports.find(({ name }) => name === 'app')?.status, 'STOPPED');
  const started = await run(['containers', 'start', 'app'], { terminal: true });
  assert.match(started.stdout, /app: start accepted/);
});

test('refusals go to stderr with the exit codes that scripts know', options, async () => {
  const missing = await run(['containers', 'stop', 'nothing']);
  assert.deepEqual(missing, { code: 255, stdout: '', stderr: '{"Error":"Container not found"}\n' });
  assert.match(
    (await run(['containers', 'stop', 'nothing'], { terminal: true })).stderr,
    /^pvcontrol: Container not found\n$/,
  );
  rooms.commands.answer = { ok: false, code: 'command-pending' };
  assert.equal((await run(['cmd', 'run-gc'])).code, 75);
  assert.match((await run(['cmd', 'run-gc'], { terminal: true })).stderr, /try again in 120 s/);
  rooms.commands.answer = { ok: false, code: 'already' };
  assert.equal((await run(['cmd', 'unclaim'])).code, 255);
  const file = join(directory, 'content');
  writeFileSync(file, 'content');
  assert.equal((await run(['objects', 'put', file, 'a'.repeat(64)])).code, 60);
  assert.equal((await run(['-m', 'x'.repeat(300), 'steps', 'put', file, 'locals/x'])).code, 255);
  rooms.runtime.caller = { kind: 'container', name: 'waiter', mgmt: false };
  assert.equal((await run(['ls'])).code, 255);
});

test('no socket, nobody behind it, and no answer', options, async () => {
  const gone = await run(['-s', '/nowhere', 'ls']);
  assert.equal(gone.code, 1);
  assert.equal(gone.stdout, 'ERROR: /nowhere not found\n');
  const file = join(directory, 'no-socket');
  writeFileSync(file, '');
  const refused = await run(['-s', file, 'ls']);
  assert.equal(refused.code, 1);
  assert.equal(refused.stdout, 'ERROR: got no response\n');
  const silent = createServer((socket) => socket.on('data', () => socket.destroy()));
  const path = join(directory, 'silent');
  await new Promise<void>((resolve) => silent.listen(path, resolve));
  const hungUp = await run(['ls', '--socket', path]);
  silent.close();
  assert.deepEqual([hungUp.code, hungUp.stdout], [1, 'ERROR: got no response\n']);
});

test('commands carry their payload, whatever characters it has', options, async () => {
  const file = join(directory, 'json');
  writeFileSync(file, state);
  assert.equal((await run(['steps', 'put', file, 'locals/x'])).code, 0);
  for (const argv of [
    ['cmd', 'run', 'locals/x'],
    ['command', 'run-commit', 'locals/x'],
    ['commands', 'reboot', 'said "so"\\'],
    ['cmd', 'poweroff'],
    ['cmd', 'make-factory'],
    ['cmd', 'defer-reboot', '600'],
    ['cmd', 'apply', 'locals/x'],
    ['cmd', 'try-once', '0'],
    ['cmd', 'enable-ssh'],
    ['cmd', 'disable-ssh'],
    ['cmd', 'go-remote'],
  ])
    assert.equal((await run(argv)).code, 0, argv.join(' '));
  assert.deepEqual(
    rooms.commands.submitted.map(({ operation, payload }) => `${operation} ${payload}`),
    [
      'LOCAL_RUN locals/x',
      'LOCAL_RUN_COMMIT locals/x',
      'REBOOT_DEVICE said "so"\\',
      'POWEROFF_DEVICE ',
      'MAKE_FACTORY ',
      'DEFER_REBOOT 600',
      'LOCAL_APPLY locals/x',
      'TRY_ONCE 0',
      'ENABLE_SSH ',
      'DISABLE_SSH ',
      'GO_REMOTE ',
    ],
  );
});

test('a command for a revision that the device does not have is said to be one, and not given', options, async () => {
  for (const verb of ['run', 'run-commit', 'apply', 'try-once', 'make-factory']) {
    const refused = await run(['cmd', verb, 'locals/none']);
    assert.deepEqual([refused.code, refused.stdout], [255, ''], verb);
    assert.match(refused.stderr, /^pvcontrol: the device has no revision locals\/none; 'pvcontrol steps ls' lists/);
  }
  assert.deepEqual(rooms.commands.submitted, []);
});

test('objects go up and come down, from files and from standard input', options, async () => {
  const content = randomBytes(3_000_000);
  const file = join(directory, 'big');
  writeFileSync(file, content);
  const id = sha256(content);
  assert.equal((await run(['objects', 'put', file, id])).code, 0);
  assert.match(
    (await run(['objects', 'put', file], { terminal: true })).stdout,
    new RegExp(`${id}: stored, 2\\.9 MiB`),
  );
  const copy = join(directory, 'copy');
  assert.equal((await run(['-f', copy, 'objects', 'get', id])).code, 0);
  assert.deepEqual(readFileSync(copy), content);
  assert.equal((await run(['objects', 'put', '-5', sha256('abcde')], { stdin: 'abcde' })).code, 0);
  assert.equal((await run(['objects', 'get', sha256('abcde')])).stdout, 'abcde');
  assert.equal((await run(['objects', 'get', 'f'.repeat(64)])).code, 255);
  assert.equal((await run(['objects', 'put', '/no/such/file'])).code, 1);
  writeFileSync(file, randomBytes(3_000_000));
  const bar = await run(['objects', 'put', file], { terminal: true });
  assert.match(bar.stderr, /\[#+\] 100 % {2}2\.9 MiB of 2\.9 MiB/);
});

test('steps are put with a message, read and listed', options, async () => {
  const file = join(directory, 'json');
  writeFileSync(file, state);
  assert.equal((await run(['-m', 'first try', 'steps', 'put', file, 'locals/one'])).code, 0);
  assert.equal((await run(['steps', 'get', 'locals/one'])).stdout, `${state}\n`);
  assert.match((await run(['steps', 'ls'])).stdout, /"name":"locals\/one", "date":"[^"]*", "commitmsg":"first try"/);
  assert.equal(JSON.parse((await run(['steps', 'show-progress', 'locals/one'])).stdout).status, 'NEW');
  assert.match(
    (await run(['steps', 'ls'], { terminal: true })).stdout,
    /locals\/one .* NEW +first try +Update ready to be run/,
  );
  assert.equal((await run(['steps', 'get', 'locals/two'])).code, 255);
});

let archives = 0;

/** Packs files as `pvr export` does; tar adds an entry for the directory `objects/` too. */
async function archive(members: Record<string, string>): Promise<string> {
  archives += 1;
  const content = join(directory, `archive-${archives}`);
  for (const [name, text] of Object.entries(members)) {
    mkdirSync(dirname(join(content, name)), { recursive: true });
    writeFileSync(join(content, name), text);
  }
  const path = `${content}.tgz`;
  await promisify(execFile)('tar', ['-C', content, '-czf', path, '.']);
  return path;
}

test('an archive is installed: what is missing of its objects, then its state', options, async () => {
  const [one, two] = ['object one', 'object two'];
  const path = await archive({ json: state, [`objects/${sha256(one)}`]: one, [`objects/${sha256(two)}`]: two });
  const installed = await run(['-m', 'from CI', 'steps', 'install', path]);
  assert.equal(installed.code, 0, installed.stderr);
  const name = `locals/${sha256(readFileSync(path))}`;
  assert.equal(installed.stdout, `${JSON.stringify({ revision: name })}\n`);
  assert.equal((await run(['objects', 'get', sha256(two)])).stdout, two);
  assert.equal((await run(['steps', 'get', name])).stdout, `${state}\n`);
  assert.equal((await run(['steps', 'install', path, 'locals/again'])).stdout, '{"revision":"locals/again"}\n');
});

test('an archive that is none, is refused, or lies about an object fails', options, async () => {
  assert.equal((await run(['steps', 'install', '/tmp/x.zip'])).stdout, 'ERROR: unkwnown file format\n');
  const lying = await archive({ json: state, [`objects/${'e'.repeat(64)}`]: 'something else' });
  assert.equal((await run(['steps', 'install', lying])).code, 60);
  const without = await archive({ [`objects/${sha256('x')}`]: 'x' });
  assert.equal((await run(['steps', 'install', without])).code, 1);
  const broken = await archive({ json: state, [`objects/${sha256('y')}`]: 'y' });
  truncateSync(broken, 100);
  const result = await run(['steps', 'install', broken]);
  assert.equal(result.code, 1);
  assert.match(result.stderr, /cannot read /);
});

test('usage: help with examples, missing arguments on stdout, suggestions', options, async () => {
  const help = await run(['--help']);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /Exit codes:\n +0 [\s\S]* 255 /);
  for (const verb of ['containers stop', 'steps put', 'cmd run', 'objects get', 'signal ready', 'ls']) {
    const { code, stdout } = await run([...verb.split(' '), '--help']);
    assert.equal(code, 0);
    assert.match(stdout, /Examples:\n {2}\$ pvcontrol /, verb);
  }
  const missing = await run(['steps', 'put', 'only-one']);
  assert.equal(missing.code, 1);
  assert.match(missing.stdout, /^Usage: pvcontrol \[options\] steps put <path> <revision>\n$/);
  const typo = await run(['contaners', 'ls']);
  assert.equal(typo.code, 1);
  assert.match(typo.stderr, /did you mean containers\?/);
  const verbTypo = await run(['steps', 'show-progres', 'x']);
  assert.match(verbTypo.stderr, /did you mean show-progress\?; 'pvcontrol steps --help' lists what there is\n$/);
  assert.equal(
    verbTypo.stdout,
    'Usage: pvcontrol [options] steps <verb> …\n',
    'a slip is no reason for a page of help',
  );
  for (const argv of [
    ['--jsno', 'ls'],
    ['-x', 'ls'],
    ['ls', '-s'],
    ['ls', 'extra'],
    ['containers'],
    ['--json=1', 'ls'],
  ])
    assert.equal((await run(argv)).code, 1, argv.join(' '));
  assert.deepEqual(await run([]), { ...help, code: 1 }, 'nothing is asked for: the help, but no success');
  const shell = fileURLToPath(new URL('../../apps/device-tools/sh/pvcontrol', import.meta.url));
  await assert.rejects(promisify(execFile)(shell), { code: 1, stderr: '' });
});

test('verbose shows requests and statuses on stderr', options, async () => {
  const { stderr } = await run(['-v', 'groups', 'ls']);
  assert.equal(stderr, '> GET /groups\n< 200 OK\n');
});

test('completion knows verbs, options, and the names that the device has', options, async () => {
  const words = async (...argv: string[]) =>
    (await run(['__complete', ...argv])).stdout.split('\n').map((line) => line.split('\t')[0]);
  assert.deepEqual((await words('con')).filter(Boolean), ['containers', 'conf', 'config']);
  assert.deepEqual((await words('containers', 'st')).filter(Boolean), ['start', 'stop']);
  assert.deepEqual((await words('containers', 'stop', '')).filter(Boolean), ['board', 'app', 'waiter']);
  assert.ok((await words('cmd', 'run', 'locals/')).includes('locals/one'));
  assert.deepEqual((await words('--js')).filter(Boolean), ['--json']);
  assert.deepEqual(await words('-s', '/nowhere', 'containers', 'stop', ''), ['']);
  assert.deepEqual(await words('-f', ''), ['']);
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout } = await run(['completion', shell]);
    assert.equal(code, 0);
    assert.match(stdout, /pvcontrol __complete/);
  }
  assert.equal((await run(['completion', 'tcsh'])).code, 1);
});

test('the bash completion works in bash', options, async () => {
  const { stdout: script } = await run(['completion', 'bash']);
  const program = new URL('../../apps/device-tools/bin', import.meta.url).pathname;
  const ask = `${script}\nCOMP_WORDS=(pvcontrol containers stop w); COMP_CWORD=3; _pvcontrol; echo "\${COMPREPLY[@]}"`;
  const { stdout } = await promisify(execFile)('bash', ['-c', ask], {
    env: { ...process.env, PATH: `${program}:${process.env.PATH}`, PV_CTRL_SOCKET: socketPath },
  });
  assert.equal(stdout, 'waiter\n');
});

test('the program itself runs, and PVTEST_EXEC sends it elsewhere', options, async () => {
  const program = new URL('../../apps/device-tools/bin/pvcontrol', import.meta.url).pathname;
  const execute = promisify(execFile);
  const { stdout } = await execute(program, ['-s', socketPath, 'buildinfo']);
  assert.equal(stdout, 'PV_VERSION=1.2.3\nPV_BUILT_FOR=tests\n');
  const elsewhere = await execute(program, ['ls', '-v'], { env: { ...process.env, PVTEST_EXEC: 'echo  on device' } });
  assert.equal(elsewhere.stdout, 'on device pvcontrol ls -v\n');
  await assert.rejects(execute(program, ['-s', socketPath, 'containers', 'stop', 'none']), { code: 255 });
});
