import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { type FakeHub, startFakeHub } from '../testing/fake-hub.ts';
import { makeWorkspace, type Workspace } from '../testing/workspace.ts';

const sha = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');
const person = { PVR_USERNAME: 'user', PVR_PASSWORD: 'right' };

/** Puts files behind the address of the fake trail. */
function offer(
  hub: FakeHub,
  files: Readonly<Record<string, string>>,
  inline: Readonly<Record<string, unknown>> = {},
): void {
  for (const [key, content] of Object.entries(files)) {
    hub.blobs.set(sha(content), Buffer.from(content));
    hub.state[key] = sha(content);
  }
  Object.assign(hub.state, inline);
}

async function committed(space: Workspace, files: Readonly<Record<string, unknown>>): Promise<void> {
  await space.ok(['init']);
  space.write(files);
  await space.ok(['add', '.']);
  await space.ok(['commit']);
}

test('clone logs in, fetches, checks out and remembers where from', async (context) => {
  const hub = await startFakeHub(context);
  offer(hub, { 'app/f': 'content' }, { 'app/run.json': { a: 1 } });
  const space = makeWorkspace(context, person);
  await space.ok(['clone', `${hub.url}/trail`, 'copy']);
  assert.equal(readFileSync(space.path('copy/app/f'), 'utf8'), 'content');
  const config = JSON.parse(readFileSync(space.path('copy/.pvr/config'), 'utf8'));
  assert.equal(config.DefaultPostUrl, `${hub.url}/trail`);
  assert.deepEqual(hub.calls.slice(0, 3), ['GET /trail/.pvrremote', 'POST /auth/login', 'GET /trail/.pvrremote']);
  const auth = join(space.home, '.pvr/auth.json');
  assert.equal(statSync(auth).mode & 0o777, 0o600);
  assert.deepEqual(JSON.parse(readFileSync(auth, 'utf8')).tokens, {
    [`${hub.url}/auth realm=pantahub services`]: { Name: '', 'access-token': 'token-1', 'refresh-token': 'token-1' },
  });
  // The next command uses the stored token at once, and an expired one is replaced.
  hub.calls.length = 0;
  await space.ok(['inspect', `${hub.url}/trail`]);
  assert.equal(hub.calls.includes('POST /auth/login'), false);
  hub.tokens.clear();
  await space.ok(['inspect', `${hub.url}/trail`]);
  assert.ok(hub.calls.includes('POST /auth/login'));
});

test('wrong names and missing people end at once', async (context) => {
  const hub = await startFakeHub(context);
  const space = makeWorkspace(context);
  const nobody = await space.run(['clone', `${hub.url}/trail`]);
  assert.equal(nobody.code, 3);
  assert.match(nobody.err, /nobody is there to ask/);
  const wrong = await space.run(['clone', `${hub.url}/trail`], '.', { ...person, PVR_PASSWORD: 'wrong' });
  assert.match(wrong.err, /name or password is wrong/);
  assert.equal(existsSync(space.path('trail')), false);
  const gone = await space.run(['clone', 'http://127.0.0.1:1/x', '--json']);
  assert.equal(JSON.parse(gone.err).error.code, 'unreachable');
  const preset = await space.run(['-a', 'bad', 'clone', `${hub.url}/trail`]);
  assert.match(preset.err, /answered 401/);
});

test('a host gets no tokens of another one', async (context) => {
  const hub = await startFakeHub(context);
  hub.fault = (_request, response) => {
    response
      .writeHead(401, { 'www-authenticate': 'JWT realm="pantahub services", ph-aeps="https://api.example.com/auth"' })
      .end('{}');
    return true;
  };
  const space = makeWorkspace(context, person);
  const { code, err } = await space.run(['inspect', `${hub.url}/trail`]);
  assert.equal(code, 3);
  assert.match(err, /it asks for the tokens of https:\/\/api\.example\.com\/auth/);
});

test('post uploads what is missing and posts in the form of the original', async (context) => {
  const hub = await startFakeHub(context);
  offer(hub, { 'app/known': 'known' });
  const space = makeWorkspace(context, person);
  await committed(space, {
    'app/known': 'known',
    'app/new': 'new',
    'app/copy': 'new',
    'app/empty': '',
    'x.json': { big: 1 },
  });
  const { err } = await space.run(['post', '-m', 'why', `${hub.url}/trail`]);
  assert.match(err, /Successfully posted Revision 1 \(abcdef01\) to device id device1/);
  assert.equal(hub.blobs.get(sha('new'))?.toString(), 'new');
  assert.equal(hub.blobs.get(sha(''))?.length, 0);
  assert.equal(hub.calls.filter((call) => call === 'POST /objects/').length, 3);
  assert.equal(hub.calls.filter((call) => call.startsWith('PUT /blob/')).length, 2);
  const [{ body, type } = { body: '', type: '' }] = hub.posts;
  assert.equal(type, 'text/plain; charset=utf-8');
  assert.equal(body, `{"commit-msg":"why","rev":-1,"state":${readFileSync(space.path('.pvr/json'), 'utf8')}}`);
});

test('a broken upload is sent again; one that stays broken fails and can be taken up', async (context) => {
  const hub = await startFakeHub(context, { open: true });
  const space = makeWorkspace(context);
  await committed(space, { a: 'aaa', b: 'bbb' });
  let broken = 0;
  hub.fault = (request) => {
    if (request.method !== 'PUT' || broken === 1) return false;
    broken += 1;
    request.socket.destroy();
    return true;
  };
  await space.ok(['post', `${hub.url}/trail`]);
  assert.equal(broken, 1);
  assert.equal(hub.posts.length, 1);

  hub.blobs.clear();
  hub.fault = (request) => {
    if (!request.url?.endsWith(sha('bbb')) || request.method !== 'PUT') return false;
    request.socket.destroy();
    return true;
  };
  const failed = await space.run(['post', '--json']);
  assert.equal(failed.code, 3);
  assert.equal(JSON.parse(failed.err.trim().split('\n').at(-1)!).error.code, 'unreachable');
  assert.equal(hub.posts.length, 1);
  hub.fault = () => false;
  hub.calls.length = 0;
  await space.ok(['post']);
  assert.deepEqual(
    hub.calls.filter((call) => call.startsWith('PUT')),
    [`PUT /blob/${sha('bbb')}`],
  );
});

test('quota, busy and server failures are told as what they are', async (context) => {
  const hub = await startFakeHub(context, { open: true });
  const space = makeWorkspace(context);
  await committed(space, { a: 'aaa' });
  for (const [status, headers, code] of [
    [402, {}, 'quota-exceeded'],
    [413, {}, 'too-large'],
    [507, {}, 'no-space'],
    [503, { 'retry-after': '7' }, 'not-ready'],
  ] as const) {
    hub.fault = (request, response) => {
      if (request.url !== '/objects/') return false;
      response.writeHead(status, headers).end('{"msg":"said the hub"}');
      return true;
    };
    const { code: exit, err } = await space.run(['post', `${hub.url}/trail`, '--json']);
    assert.equal(exit, 3);
    const { error } = JSON.parse(err.trim());
    assert.equal(error.code, code);
    assert.match(error.message, status === 503 ? /retry in: 7 seconds/ : /said the hub/);
  }
});

test('a download that breaks goes on where it broke; wrong content never enters the pool', async (context) => {
  const hub = await startFakeHub(context, { open: true });
  const content = 'x'.repeat(300_000);
  offer(hub, { 'app/f': content });
  const space = makeWorkspace(context);
  const pool = join(space.home, '.pvr/objects');
  let breaks = 1;
  const ranges: (string | undefined)[] = [];
  hub.fault = (request, response) => {
    if (!request.url?.startsWith('/blob/')) return false;
    ranges.push(request.headers.range);
    if (breaks === 0) return false;
    breaks -= 1;
    response.writeHead(200, { 'content-length': content.length });
    response.write(content.slice(0, 100_000), () => {
      // What was written survives the break; what is still on its way does not.
      const look = setInterval(() => {
        const files = existsSync(pool) ? readdirSync(pool, { recursive: true, withFileTypes: true }) : [];
        const file = files.find((entry) => entry.isFile());
        if (!file || statSync(join(file.parentPath, file.name)).size === 0) return;
        clearInterval(look);
        request.socket.destroy();
      }, 5);
    });
    return true;
  };
  await space.ok(['clone', `${hub.url}/trail`, 'copy']);
  assert.equal(readFileSync(space.path('copy/app/f'), 'utf8'), content);
  assert.match(ranges[1] ?? '', /^bytes=\d+-$/);

  const other = makeWorkspace(context);
  hub.fault = () => false;
  hub.blobs.set(sha(content), Buffer.from('lies'));
  const { code, err } = await other.run(['clone', `${hub.url}/trail`, 'copy', '--json']);
  assert.equal(code, 3);
  assert.match(err, /object-mismatch/);
  assert.equal(existsSync(other.path('copy')), false);
  assert.equal(existsSync(join(other.home, '.pvr/objects', sha(content))), false);
});

test('get and merge take the parts that are named, and only those', async (context) => {
  const space = makeWorkspace(context);
  space.write({ 'a/app1/f': 'new1', 'a/app1/run.json': { n: { x: 1 } }, 'a/app1x/f': 'newx', 'a/app2/f': 'new2' });
  space.write({
    'b/app1/f': 'old1',
    'b/app1/gone': 'g',
    'b/app1/run.json': { n: { y: 2 } },
    'b/app1x/f': 'oldx',
    'b/app3/f': 'old3',
  });
  for (const name of ['a', 'b']) {
    await space.ok(['init'], name);
    await space.ok(['add', '.'], name);
    await space.ok(['commit'], name);
  }
  const start = readFileSync(space.path('b/.pvr/json'));
  const after = async (argv: readonly string[]): Promise<Record<string, unknown>> => {
    writeFileSync(space.path('b/.pvr/json'), start);
    await space.ok(argv, 'b');
    return JSON.parse(readFileSync(space.path('b/.pvr/json'), 'utf8'));
  };
  const keys = (state: Record<string, unknown>): string[] => Object.keys(state).filter((key) => key !== '#spec');
  assert.deepEqual(keys(await after(['get', '../a'])), ['app1/f', 'app1/run.json', 'app1x/f', 'app2/f']);
  const part = await after(['get', '../a#app1']);
  assert.deepEqual(keys(part), ['app1/f', 'app1/run.json', 'app1x/f', 'app3/f']);
  assert.equal(part['app1x/f'], sha('oldx'));
  assert.deepEqual(keys(await after(['get', '../a#app1,-app3'])), ['app1/f', 'app1/run.json', 'app1x/f']);
  const merged = await after(['merge', '../a#app1/']);
  assert.deepEqual(keys(merged), ['app1/f', 'app1/gone', 'app1/run.json', 'app1x/f', 'app3/f']);
  assert.deepEqual(merged['app1/run.json'], { n: { x: 1, y: 2 } });
  assert.deepEqual(keys(await after(['merge', '../a#-app1x'])), [
    'app1/f',
    'app1/gone',
    'app1/run.json',
    'app2/f',
    'app3/f',
  ]);
});

test('export, import and deploy carry a state from one repository to the next', async (context) => {
  const space = makeWorkspace(context);
  await committed(space, {
    'bsp/kernel.img': 'k',
    'bsp/pantavisor': 'p',
    'bsp/run.json': { initrd: 'pantavisor', linux: 'kernel.img' },
    'app/copy': 'k',
    'app/f': 'f'.repeat(100_000),
  });
  const out = join(space.home, 'x.tgz');
  await space.ok(['export', out]);
  const first = readFileSync(out);
  await space.ok(['export', out]);
  assert.deepEqual(readFileSync(out), first);
  await space.ok(['export', join(space.home, 'part.tar'), '-p', 'app']);
  const state = readFileSync(space.path('.pvr/json'), 'utf8');

  const other = makeWorkspace(context);
  await other.ok(['init']);
  await other.ok(['import', out]);
  assert.equal(readFileSync(other.path('.pvr/json'), 'utf8'), state);
  await other.ok(['checkout']);
  assert.equal(readFileSync(other.path('app/copy'), 'utf8'), 'k');
  assert.deepEqual(Object.keys(JSON.parse(await other.ok(['inspect', join(space.home, 'part.tar')]))), [
    '#spec',
    'app/copy',
    'app/f',
  ]);

  await other.ok(['deploy', 'target', out]);
  assert.equal(statSync(other.path('target/.pv/pv-kernel.img')).ino, statSync(other.path('target/bsp/kernel.img')).ino);
  assert.equal(readFileSync(other.path('target/.pv/pv-initrd.img'), 'utf8'), 'p');
  other.write({ 'target/stale/file': 'x' });
  await other.ok(['deploy', 'target', out]);
  assert.equal(existsSync(other.path('target/stale')), false);
  writeFileSync(out, first.subarray(0, first.length / 2));
  rmSync(join(other.home, '.pvr/objects'), { recursive: true });
  const cut = await other.run(['import', out]);
  assert.equal(cut.code, 3);
  assert.equal(readFileSync(other.path('.pvr/json'), 'utf8'), state);
});

test('put writes a directory that others can clone', async (context) => {
  const space = makeWorkspace(context);
  await committed(space, { f: 'content' });
  await space.ok(['put', './out']);
  assert.equal(readFileSync(space.path(`out/objects/${sha('content')}`), 'utf8'), 'content');
  await space.ok(['clone', 'out', 'copy']);
  assert.equal(readFileSync(space.path('copy/f'), 'utf8'), 'content');
});

test('deploy links addons and boards’ own images as the device does', async (context) => {
  const space = makeWorkspace(context);
  await space.ok(['init']);
  const run = { linux: 'kernel.img', initrd: 'pantavisor', addons: ['modules.cpio.zst', 'more.cpio'] };
  space.write({
    'bsp/kernel.img': 'k',
    'bsp/pantavisor': 'p',
    'bsp/modules.cpio.zst': 'm',
    'bsp/more.cpio': 'n',
    'bsp/run.json': JSON.stringify(run),
  });
  await space.ok(['add', '.']);
  await space.ok(['commit']);
  await space.ok(['deploy', 'target', '.']);
  assert.equal(readFileSync(space.path('target/.pv/pv-initrd.img.0'), 'utf8'), 'm');
  assert.equal(readFileSync(space.path('target/.pv/pv-initrd.img.1'), 'utf8'), 'n');

  const board = makeWorkspace(context);
  await board.ok(['init']);
  board.write({ 'bsp/pi.img.gz': 'image', 'bsp/run.json': '{"rpiab":"pi.img.gz"}' });
  await board.ok(['add', '.']);
  await board.ok(['commit']);
  await board.ok(['deploy', 'target', '.']);
  assert.equal(readFileSync(board.path('target/.pv/rpiboot.img.gz'), 'utf8'), 'image');
});
