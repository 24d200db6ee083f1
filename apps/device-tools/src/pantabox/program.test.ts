/** pantabox against a real control socket with real storage, whose runtime and commands a test directs. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { startControl } from '../../../device/src/control/server.ts';
import { createScriptedRooms, type ScriptedRooms } from '../../../device/src/control/testing/scripted-rooms.ts';
import { createFiles } from '../../../device/src/host/node/files.ts';
import { createHttp } from '../../../device/src/host/node/http.ts';
import { createText } from '../../../device/src/host/node/text.ts';
import type { HttpServer } from '../../../device/src/host/ports.ts';
import { saveProgress } from '../../../device/src/storage/progress.ts';
import { createNodePantabox } from '../host/node-pantabox.ts';
import type { PantaboxHost } from '../host/terminal-ports.ts';
import { containerPackage, sha256, spec, tgzOf } from '../pvtx/testing/packages.ts';
import { pantaboxNames } from '../tool-names.ts';
import { commandOfName, commands, runPantabox } from './program.ts';

const folder = mkdtempSync(join(tmpdir(), 'pantabox-'));
const web = containerPackage('web', { 'root.squashfs': 'image 1' }, { 'etc/app.conf': 'colour = red\n' });
let rooms: ScriptedRooms;
let control: HttpServer;
/** What a run of a revision comes to. */
let end: 'UPDATED' | 'ERROR';
let runs = 0;

before(async () => {
  rooms = await createScriptedRooms({ files: createFiles(), text: createText() }, join(folder, 'storage'));
  const { commands: scripted, steps } = rooms;
  assert.ok(steps);
  steps.checkState = async () => ({ ok: true });
  symlinkSync('0', join(folder, 'storage/trails/current'));
  const submit = scripted.submit.bind(scripted);
  scripted.submit = async (op, payload) => {
    const answer = await submit(op, payload);
    if (!answer.ok || (op !== 'LOCAL_RUN' && op !== 'MAKE_FACTORY')) return answer;
    const revision = op === 'LOCAL_RUN' ? payload : '0';
    const logs = '{"msg":"cannot start web: it has no init"}';
    const details = end === 'ERROR' ? { logs } : {};
    // A progress that is as it was says nothing about this run.
    runs += 1;
    const message = end === 'ERROR' ? 'A container could not be started' : 'Update finished';
    await saveProgress(steps.files, steps.layout, revision, { status: end, message, retries: runs }, details);
    return answer;
  };
  control = await startControl(createHttp(), join(folder, 'pv-ctrl'), rooms);
  // What the container has: busybox alone.
  mkdirSync(join(folder, 'bin'));
  symlinkSync('/bin/busybox', join(folder, 'bin/wget'));
  const hints = {
    'device-id': '6b091a70',
    challenge: 'plainly-dynamic-wombat',
    'pantahub-host': 'https://hub.example:443',
  };
  for (const [name, text] of Object.entries(hints)) writeFileSync(join(folder, name), `${text}\n`);
});
after(async () => {
  await control.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  end = 'UPDATED';
  rooms.runtime.caller = { kind: 'engine' };
  rooms.commands.answer = { ok: true };
  rooms.commands.submitted.length = 0;
});

interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs without a terminal. */
async function run(argv: string[], input = '', more: Partial<PantaboxHost> = {}): Promise<Run> {
  const result = { stdout: '', stderr: '' };
  const output = (name: 'stdout' | 'stderr') => ({
    isTTY: false,
    columns: 80,
    write: (text: string | Uint8Array) => {
      result[name] += typeof text === 'string' ? text : new TextDecoder().decode(text);
    },
  });
  const host: PantaboxHost = {
    ...createNodePantabox(),
    environment: { PATH: join(folder, 'bin'), PV_CTRL_SOCKET: join(folder, 'pv-ctrl'), TMPDIR: folder },
    terminal: undefined,
    // Time runs faster here.
    pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds / 20)),
    stdout: output('stdout'),
    stderr: output('stderr'),
    stdin: async function* () {
      yield new TextEncoder().encode(input);
    },
    ...more,
  };
  const code = await runPantabox('pantabox', argv, host);
  return { code, ...result };
}

const good = async (argv: string[], input?: string): Promise<string> => {
  const { code, stdout, stderr } = await run(argv, input);
  assert.equal(code, 0, `${argv.join(' ')}: ${stderr}`);
  return stdout;
};
const json = async (argv: string[], input?: string) => JSON.parse(await good([...argv, '--json'], input));
const stateOf = (revision: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(folder, 'storage/trails', revision, '.pvr/json'), 'utf8'));

test('each command is a program of its own name', () => {
  const names = ['help', ...commands.flatMap((command) => command.names)];
  assert.deepEqual([...pantaboxNames].sort(), ['pantabox', ...names.map((name) => `pantabox-${name}`)].sort());
  assert.deepEqual(commandOfName('pantabox-edit-config'), ['edit-config']);
  assert.deepEqual(commandOfName('pantabox'), []);
});

test('every command has an example, a help and a form for programs', async () => {
  for (const { names, examples } of commands) {
    assert.ok(examples && examples.length > 0, names.join());
    const help = await good([names[0]!, '--help']);
    assert.match(help, new RegExp(`Usage: pantabox ${names[0]}`));
    const long = help.split('\n').filter((line) => line.length > 80 && !line.startsWith('  '));
    assert.deepEqual(long, [], 'every terminal shows it whole');
  }
  assert.match(await good(['help']), /Exit codes:\n +0 +done/);
  assert.match(await good(['completion', 'bash']), /pantabox __complete/);
  assert.match(await good(['__complete', 'edit']), /edit-config\t/);
});

test('a package becomes a revision that the device tries', async () => {
  const archive = join(folder, 'web.tgz');
  writeFileSync(archive, tgzOf(web));
  const { revision, status } = await json(['install', archive, '-m', 'first', '--name', 'locals/one']);
  assert.deepEqual([revision, status], ['locals/one', 'UPDATED']);
  assert.deepEqual(rooms.commands.submitted, [{ operation: 'LOCAL_RUN', payload: 'locals/one' }]);
  assert.deepEqual(stateOf('locals/one'), web.state);
  const { revisions } = await json(['goto']);
  assert.equal(revisions.find((step: { name: string }) => step.name === 'locals/one').commitmsg, 'first');
  assert.match(await good(['install', '-', '--no-run'], JSON.stringify(web.state)), /is stored; run it with/);
});

test('another device offers its parts, and only what is missing is fetched', async (t) => {
  const other = containerPackage('other', { 'root.squashfs': 'image 2' });
  const fetched: string[] = [];
  const server: Server = createServer((request, response) => {
    fetched.push(request.url!);
    const at = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    const id = request.url!.split('/').at(-1)!;
    if (request.url === '/r/.pvrremote')
      response.end(JSON.stringify({ 'json-get-url': `${at}/r/json`, 'objects-endpoint': `${at}/r/objects` }));
    else if (request.url === '/r/json') response.end(JSON.stringify({ ...spec, ...web.state, ...other.state }));
    else if (request.url!.startsWith('/r/objects/'))
      response.end(JSON.stringify({ size: String(other.objects[id]!.length), 'signed-geturl': `${at}/blobs/${id}` }));
    else if (request.url!.startsWith('/blobs/')) response.end(other.objects[id] ?? '');
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}/r`;
  const { revision } = await json(['install', `${url}#other`]);
  assert.deepEqual(stateOf(revision), { ...spec, ...other.state });
  assert.equal(fetched.filter((path) => path.startsWith('/blobs/')).length, 1);
  const unnamed = await run(['install', url]);
  assert.equal(unnamed.code, 3);
  assert.match(unnamed.stderr, /name the parts, e\.g\. --part web\n.*there is other, web/);
  assert.match(
    (await run(['install', `${url}#wep`])).stderr,
    /cannot find the part wep in what is offered there\n.*did you mean web\?/,
  );
  assert.match((await run(['install', `${url}x/#web`])).stderr, /cannot fetch http:.*404/);
  const secret = await run(['install', 'https://me:word@hub.example/web.tgz']);
  assert.match(
    secret.stderr,
    /cannot fetch https:\/\/hub\.example\/web\.tgz: nothing in this container checks certificates/,
  );
});

test('a file of the configuration is set, shown and removed, each time as a new revision', async () => {
  const { revision } = await json(['edit-config', 'web', 'etc/new.conf', '--from', '-'], 'x = 1\n').catch(() => ({
    revision: '',
  }));
  assert.equal(revision, '', 'the running revision has no part web');
  symlinkAgain('locals/one');
  const added = await json(['edit-config', 'web', '/etc/new.conf', '--from', '-'], 'x = 1\n');
  assert.equal(stateOf(added.revision)['_config/web/etc/new.conf'], sha256('x = 1\n'));
  const inline = await json(['edit-config', 'web', '/etc/new.json', '--from', '-'], '{ "a": 1 }\n');
  assert.deepEqual(stateOf(inline.revision)['_config/web/etc/new.json'], { a: 1 });
  assert.match((await run(['edit-config', 'web', '/etc/new.json', '--from', '-'], '{')).stderr, /it is no JSON/);
  assert.equal(await good(['edit-config', 'web', '/etc/app.conf', '--print']), 'colour = red\n');
  assert.deepEqual(await json(['edit-config', 'web']), ['/etc/app.conf']);
  const removed = await json(['edit-config', 'web', '/etc/app.conf', '--remove']);
  assert.equal('_config/web/etc/app.conf' in stateOf(removed.revision), false);
  assert.match((await run(['edit-config', 'web', '/etc/nope', '--print'])).stderr, /there is \/etc\/app\.conf/);
  assert.equal((await run(['edit-config', 'web', '../x', '--print'])).code, 3);
  symlinkAgain('0');
});

function symlinkAgain(revision: string): void {
  const path = join(folder, 'storage/trails/current');
  rmSync(path);
  symlinkSync(revision, path);
}

test('the socket that was named is that of every request', async () => {
  const environment = { PATH: join(folder, 'bin'), TMPDIR: folder };
  const argv = ['redeploy', '0', '--no-run', '--name', 'locals/named', '--socket', join(folder, 'pv-ctrl')];
  const { code, stderr } = await run(argv, '', { environment });
  assert.equal(code, 0, stderr);
  assert.deepEqual(stateOf('locals/named'), stateOf('0'));
});

test('a revision that does not hold ends with 4 and its reasons', async () => {
  end = 'ERROR';
  const failed = await run(['goto', 'locals/one']);
  assert.equal(failed.code, 4);
  assert.match(
    failed.stderr,
    /cannot keep locals\/one: ERROR: A container could not be started\n +because cannot start web: it has no init/,
  );
  assert.match(await good(['goto', 'locals/one', '--why']), /Because:\n- cannot start web: it has no init\n/);
  const asJson = JSON.parse((await run(['goto', 'locals/one', '--json'])).stderr.split('\n').at(-2)!);
  assert.deepEqual([asJson.error.code, asJson.error.details.status], ['not-held', 'ERROR']);
});

test('commands of the device, and its refusals with what to do', async () => {
  await good(['reboot', 'new', 'board']);
  await good(['shutdown']);
  await good(['goremove']);
  await good(['make-factory']);
  assert.deepEqual(rooms.commands.submitted, [
    { operation: 'REBOOT_DEVICE', payload: 'new board' },
    { operation: 'POWEROFF_DEVICE', payload: '' },
    { operation: 'GO_REMOTE', payload: '' },
    { operation: 'MAKE_FACTORY', payload: '' },
  ]);
  rooms.commands.answer = { ok: false, code: 'claimed' };
  assert.match(
    (await run(['make-factory'])).stderr,
    /device is already claimed\n.*a claimed device keeps its factory revision/,
  );
  rooms.commands.answer = { ok: false, code: 'update-ongoing' };
  assert.equal((await run(['goto', '0'])).code, 75);
  // Right after an update the device takes no command for a moment.
  rooms.commands.answer = { ok: false, code: 'command-pending' };
  setTimeout(() => {
    rooms.commands.answer = { ok: true };
  }, 50);
  await good(['goto', '0']);
  rooms.commands.answer = { ok: false, code: 'already' };
  assert.match(await good(['goremote']), /in remote mode already/);
  rooms.runtime.caller = { kind: 'container', name: 'waiter', mgmt: false };
  const stranger = await run(['view']);
  assert.equal(stranger.code, 3);
  assert.match(stranger.stderr, /give the container that pantabox runs in the role mgmt/);
  assert.equal((await run(['view', '--socket', '/nowhere'])).code, 69);
});

test('what the device is, and how it is claimed', async () => {
  assert.match(
    await good(['claim']),
    /pvr claim -c plainly-dynamic-wombat https:\/\/hub\.example:443\/devices\/6b091a70\n/,
  );
  assert.equal((await json(['info'])).user.constructor, Object);
  assert.ok((await json(['view'])).containers.length > 0);
});

test('user metadata and SSH keys', async () => {
  assert.deepEqual(await json(['edit-usermeta', 'web.colour=a=b']), { 'web.colour': 'a=b' });
  assert.deepEqual(await json(['edit-usermeta', '--remove', 'web.colour']), {});
  assert.equal((await run(['edit-usermeta', '../x=1'])).code, 3);
  assert.equal((await run(['edit-usermeta', 'colour'])).code, 3);
  const key = (name: string) => `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${'b'.repeat(43)} ${name}`;
  await good(['edit-sshkeys', '--add', key('one'), '--add', key('two')]);
  assert.deepEqual(
    (await json(['edit-ssh', '--remove', 'one'])).map(({ comment }: { comment: string }) => comment),
    ['two'],
  );
  assert.match((await run(['edit-sshkeys', '--remove', 'me'])).stderr, /there is two/);
  assert.match((await run(['edit-sshkeys', '--add', '-'], 'ssh-rsa nonsense')).stderr, /line 1 is no public SSH key/);
  assert.deepEqual(await json(['edit-sshkeys', '--remove', '1']), []);
});

test('without a person, what is missing is said', async () => {
  for (const [argv, missing] of [
    [[], /cannot show a menu: this is no terminal/],
    [['install'], /the source is missing/],
    [['edit'], /the part is missing/],
    [['instal'], /did you mean 'pantabox install'\?/],
    [['install', 'nginx:latest'], /pvr app add --from nginx:latest nginx/],
    [['goto', 'locals/no'], /cannot find the revision locals\/no/],
    [['chpasswd', 'nobody-here'], /there is no such user here/],
  ] as const) {
    const { code, stderr } = await run([...argv], 'secret\n');
    assert.equal(code, 3, argv.join(' '));
    assert.match(stderr, missing);
    assert.ok(!stderr.includes('secret'));
  }
});
