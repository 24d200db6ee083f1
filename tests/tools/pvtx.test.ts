/** pvtx as scripts use it: the cases of the original's own suite (pvtx.md §7), hostile packages, and what a cut of power leaves. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { startControl } from '../../apps/device/src/control/server.ts';
import { createScriptedRooms } from '../../apps/device/src/control/testing/scripted-rooms.ts';
import { createFiles } from '../../apps/device/src/host/node/files.ts';
import { createHttp } from '../../apps/device/src/host/node/http.ts';
import { createText } from '../../apps/device/src/host/node/text.ts';
import { createNodeTools } from '../../apps/device-tools/src/host/node.ts';
import { runPvtx } from '../../apps/device-tools/src/pvtx/program.ts';
import {
  configPackage,
  containerPackage,
  makeTar,
  type Package,
  type State,
  sha256,
  signature,
  spec,
  stateText,
  tarOf,
  tgzOf,
} from '../../apps/device-tools/src/pvtx/testing/packages.ts';

const options = { timeout: 60_000 };
const small = process.env.PANTAVISOR_HOST === 'small';
const program = fileURLToPath(new URL('../../apps/device-tools/bin/pvtx', import.meta.url));
const emptyState = '{"#spec":"pantavisor-service-system@1"}';

interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

interface Bench {
  folder: string;
  objects: string;
  /** Runs pvtx; fails the test when the exit code is another. */
  pvtx(
    argv: string[],
    more?: { code?: number; stdin?: Uint8Array; environment?: Record<string, string> },
  ): Promise<Result>;
  write(name: string, content: string | Uint8Array): string;
  /** The state of the transaction, after the checks that every one must pass. */
  show(): Promise<State>;
}

function bench(t: TestContext, environment: Record<string, string> = {}): Bench {
  const folder = mkdtempSync(join(tmpdir(), 'pvtx-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const own = { PVTXDIR: join(folder, 'transaction'), PV_CTRL_SOCKET: join(folder, 'nothing'), ...environment };
  const pvtx: Bench['pvtx'] = async (argv, { code = 0, stdin = new Uint8Array(), environment: more = {} } = {}) => {
    const set = { ...own, ...more };
    const result = small ? await runProcess(argv, set, stdin) : await runHere(argv, set, stdin);
    assert.equal(result.code, code, `pvtx ${argv.join(' ')}: ${result.stderr}`);
    return result;
  };
  return {
    folder,
    objects: join(folder, 'objects'),
    pvtx,
    write: (name, content) => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    },
    show: async () => {
      const { stdout } = await pvtx(['show']);
      assert.ok(stdout.endsWith('\n'));
      assert.equal(Object.keys(JSON.parse(stdout))[0], '#spec');
      assert.equal((await pvtx(['show'])).stdout, stdout);
      return JSON.parse(stdout);
    },
  };
}

async function runHere(argv: string[], environment: Record<string, string>, stdin: Uint8Array): Promise<Result> {
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const output = (name: 'stdout' | 'stderr') => ({
    isTTY: false,
    columns: 80,
    write: (piece: string | Uint8Array) => void chunks[name].push(Buffer.from(piece)),
  });
  const code = await runPvtx(argv, {
    ...createNodeTools(),
    stdout: output('stdout'),
    stderr: output('stderr'),
    environment,
    stdin: async function* () {
      // In small pieces, as a pipe may give them.
      for (let at = 0; at < stdin.length; at += 300) yield stdin.subarray(at, at + 300);
    },
    pause: async () => {},
  });
  return { code, stdout: Buffer.concat(chunks.stdout).toString(), stderr: Buffer.concat(chunks.stderr).toString() };
}

async function runProcess(argv: string[], environment: Record<string, string>, stdin: Uint8Array): Promise<Result> {
  const child = spawn(program, argv, { env: { PATH: process.env.PATH, PANTAVISOR_HOST: 'small', ...environment } });
  child.stdin.on('error', () => {}).end(stdin);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code, stdout, stderr };
}

const awconnect = containerPackage(
  'awconnect',
  { 'root.squashfs': 'aw 1', 'lxc.container.conf': 'lxc' },
  { 'etc/aw.conf': 'c' },
);
const awconnectNew = containerPackage('awconnect', { 'root.squashfs': 'aw 2', 'modules.json.gz': 'm' }, {});
const nginx = containerPackage('nginx', { 'root.squashfs': 'nginx', 'lxc.container.conf': 'lxc n' }, null);
const nginxConfig = configPackage('nginx-config', { '_config/nginx/etc/nginx.conf': 'server' }, ['_config/nginx/**']);
const pvwificonnect = containerPackage('pvwificonnect', { 'root.squashfs': 'wifi', 'lxc.container.conf': 'lxc w' });

function bsp(version: string, extra: State = {}, include: string[] = []): Package {
  const image = `kernel ${version}`;
  const state = {
    ...spec,
    'bsp/kernel.img': sha256(image),
    'bsp/run.json': { linux: 'kernel.img', initrd: 'pantavisor', fdt: 'board.dtb' },
    'bsp/build.json': { version },
    'bsp/pantavisor': sha256(image),
    'bsp/board.dtb': sha256(image),
    [`bsp/only-in-${version}`]: sha256(image),
    ...extra,
    '_sigs/bsp.json': signature(['bsp/**', ...include], ['bsp/src.json', '_sigs/bsp.json']),
  };
  return { state, objects: { [sha256(image)]: image } };
}

const together = (...packages: Package[]): State => Object.assign({}, ...packages.map(({ state }) => state));
const full = together(bsp('1'), awconnect, nginx, nginxConfig);
const base = stateText(full);

test('create_empty_transaction, empty_transaction_has_spec', options, async (t) => {
  const { pvtx, show } = bench(t);
  await pvtx(['begin', 'empty']);
  assert.deepEqual(await show(), spec);
  assert.equal((await pvtx(['show'])).stdout, `${emptyState}\n`);
});

test('process_json_keys_with_spaces', options, async (t) => {
  const { pvtx, show, write } = bench(t);
  await pvtx(['begin', 'empty']);
  await pvtx(['add', write('state', stateText({ ...spec, 'app/a file with blanks.json': { a: 1 } }))]);
  assert.deepEqual(await show(), { ...spec, 'app/a file with blanks.json': { a: 1 } });
});

test('signature_removal, signature_removal2, signature_removal3: three names of one part', options, async (t) => {
  for (const part of ['_sigs/awconnect.json', 'awconnect', '_config/awconnect']) {
    const { pvtx, show, write } = bench(t);
    await pvtx(['begin', write('base', base)]);
    await pvtx(['remove', part]);
    assert.deepEqual(await show(), together(bsp('1'), nginx, nginxConfig), part);
  }
});

test('removal_config_pkg, spec_preserved_after_remove', options, async (t) => {
  const { pvtx, show, write } = bench(t);
  await pvtx(['begin', write('base', base)]);
  await pvtx(['remove', '_sigs/nginx-config.json']);
  const expected = { ...full };
  delete expected['_sigs/nginx-config.json'];
  delete expected['_config/nginx/etc/nginx.conf'];
  assert.deepEqual(await show(), expected);
});

test('package_update: a new version takes the place of what the old one signed', options, async (t) => {
  const { pvtx, show, write, objects } = bench(t);
  await pvtx(['begin', write('base', base), objects]);
  await pvtx(['add', write('aw.tgz', tgzOf(awconnectNew))]);
  assert.deepEqual(await show(), together(bsp('1'), awconnectNew, nginx, nginxConfig));
});

test('add_package_from_tar, add_new_package, add_new_package_from_cat, install_from_tgz', options, async (t) => {
  const ways: ((one: Bench) => Promise<Result>)[] = [
    ({ pvtx, write }) => pvtx(['add', write('package.tar', tarOf(pvwificonnect))]),
    ({ pvtx, write }) => pvtx(['add', write('package.tgz', tgzOf(pvwificonnect))]),
    ({ pvtx }) => pvtx(['add', '-'], { stdin: tgzOf(pvwificonnect) }),
    ({ pvtx }) => pvtx(['add', '-'], { stdin: tarOf(pvwificonnect) }),
  ];
  for (const way of ways)
    for (const start of ['empty', 'base']) {
      const one = bench(t);
      await one.pvtx(['begin', start === 'empty' ? start : one.write('base', base), one.objects]);
      await way(one);
      assert.deepEqual(await one.show(), start === 'empty' ? pvwificonnect.state : { ...full, ...pvwificonnect.state });
      assert.deepEqual(readdirSync(one.objects).sort(), Object.keys(pvwificonnect.objects).sort());
      for (const [id, content] of Object.entries(pvwificonnect.objects))
        assert.equal(readFileSync(join(one.objects, id), 'utf8'), content);
    }
});

test('update_bsp, update_bsp_with_groups', options, async (t) => {
  for (const [extra, include] of [
    [{}, []],
    [{ 'groups.json': [{ name: 'app' }] }, ['groups.json']],
  ] as [State, string[]][]) {
    const { pvtx, show, write, objects } = bench(t);
    await pvtx(['begin', write('base', stateText(together(bsp('1', extra, include), nginx))), objects]);
    await pvtx(['add', write('bsp.tgz', tgzOf(bsp('2')))]);
    assert.deepEqual(await show(), together(bsp('2'), nginx));
  }
});

test('two_package_signing_same_files, with and without globs', options, async (t) => {
  const keys = { '_config/nginx/a.conf': 'a', '_config/nginx/b.conf': 'b' };
  for (const include of [Object.keys(keys), ['_config/nginx/**']]) {
    const { pvtx, show, write, objects } = bench(t);
    const [a, b] = ['config_a', 'config_b'].map((name) => configPackage(name, keys, include));
    await pvtx(['begin', 'empty', objects]);
    await pvtx(['add', write('a.tgz', tgzOf(a!))]);
    await pvtx(['add', write('b.tgz', tgzOf(b!))]);
    await pvtx(['remove', '_sigs/config_a.json']);
    assert.deepEqual(await show(), b!.state);
  }
});

test('removal_of_signed_config: a version without a file of the configuration takes it away', options, async (t) => {
  const { pvtx, show, write, objects } = bench(t);
  await pvtx(['begin', 'empty', objects]);
  await pvtx(['add', write('1.tgz', tgzOf(awconnect))]);
  await pvtx(['add', write('2.tgz', tgzOf(awconnectNew))]);
  assert.equal('_config/awconnect/etc/aw.conf' in (await show()), false);
});

test('queue_new: the layout of .status', options, async (t) => {
  const { pvtx, folder, objects } = bench(t);
  const queue = join(folder, 'queue');
  await pvtx(['queue', 'new', queue, objects]);
  const status = readFileSync(join(folder, 'transaction/.status'));
  const textAt = (at: number) => status.subarray(at, status.indexOf(0, at)).toString();
  assert.equal(status.length, 8208);
  assert.deepEqual([status.readInt32LE(0), status.readInt32LE(4)], [1, 1]);
  assert.deepEqual([textAt(8), textAt(4104)], [objects, queue]);
  assert.equal(statSync(queue).mode & 0o777, 0o775);
  await pvtx(['begin', 'empty']);
  assert.equal(readFileSync(join(folder, 'transaction/.status')).readInt32LE(0), 2);
  await pvtx(['queue', 'new', queue, objects], { code: 12 });
  await pvtx(['queue', 'new', queue], { code: 1 });
});

test('queue_actions: names of the files', options, async (t) => {
  const { pvtx, folder, objects } = bench(t);
  const queue = join(folder, 'queue');
  await pvtx(['queue', 'remove', 'nginx'], { code: 1 });
  await pvtx(['queue', 'new', queue, objects]);
  for (const part of ['nginx', '_config/nginx', '_sigs/nginx-config.json']) await pvtx(['qu', 'remove', part]);
  assert.deepEqual(readdirSync(queue).sort(), [
    '000__nginx.remove',
    '001___config%2Fnginx.remove',
    '002___sigs%2Fnginx-config.json.remove',
  ]);
  await pvtx(['queue', 'process'], { code: 3 });
});

test('queue_process, queue_process_with_remove', options, async (t) => {
  const { pvtx, show, folder, objects, write } = bench(t);
  const queue = join(folder, 'queue');
  await pvtx(['queue', 'new', queue, objects]);
  await pvtx(['queue', 'unpack', write('wifi.tgz', tgzOf(pvwificonnect))]);
  await pvtx(['queue', 'unpack', '-'], { stdin: tarOf(awconnectNew) });
  await pvtx(['queue', 'unpack', write('more.json', stateText({ ...spec, 'device.json': {} }))]);
  await pvtx(['queue', 'remove', '_sigs/nginx.json']);
  assert.deepEqual(readdirSync(queue).sort(), [
    '000__wifi.tgz',
    '001__package',
    '002__more.json',
    '003___sigs%2Fnginx.json.remove',
  ]);
  await pvtx(['begin', write('base', stateText(together(bsp('1'), awconnect, nginx)))]);
  await pvtx(['queue', 'process']);
  assert.deepEqual(await show(), { ...together(bsp('1'), awconnectNew, pvwificonnect), 'device.json': {} });
  const ids = Object.keys({ ...awconnectNew.objects, ...pvwificonnect.objects });
  assert.deepEqual(readdirSync(objects).sort(), ids.sort());
});

test('a queue of others brings objects in its folders, and numbers count beyond 999', options, async (t) => {
  const { pvtx, show, folder, objects, write } = bench(t);
  const queue = join(folder, 'queue');
  const entry = (name: string, { state, objects: contents }: Package) => {
    mkdirSync(join(queue, name, 'objects'), { recursive: true });
    writeFileSync(join(queue, name, 'json'), stateText(state));
    for (const [id, content] of Object.entries(contents)) writeFileSync(join(queue, name, 'objects', id), content);
  };
  entry('999__a', awconnect);
  entry('1000__b', awconnectNew);
  await pvtx(['queue', 'process', write('base', emptyState), queue, objects]);
  assert.deepEqual(await show(), awconnectNew.state);
  assert.deepEqual(readdirSync(join(queue, '999__a/objects')), []);
  entry('1001__c', { state: {}, objects: { [sha256('one')]: 'another' } });
  await pvtx(['queue', 'process'], { code: 255 });
  assert.deepEqual(await show(), awconnectNew.state);
});

test('deploy: the folder holds what the transaction shows, linked from the objects', options, async (t) => {
  const { pvtx, show, folder, objects, write } = bench(t);
  const target = join(folder, 'trail');
  await pvtx(['begin', 'empty', objects]);
  await pvtx(['add', write('bsp.tgz', tgzOf(bsp('1')))]);
  await pvtx(['add', write('nginx.tgz', tgzOf(nginx))]);
  const state = await show();
  await pvtx(['deploy', target], { code: 255 });
  mkdirSync(join(target, 'old'), { recursive: true });
  await pvtx(['deploy', `${target}/`]);
  assert.deepEqual(JSON.parse(readFileSync(join(target, '.pvr/json'), 'utf8')), state);
  assert.equal(statSync(join(target, '.pvr/json')).mode & 0o777, 0o600);
  assert.equal(readFileSync(join(target, '.pvr/config'), 'utf8'), JSON.stringify({ ObjectsDir: objects }));
  assert.equal(readFileSync(join(target, 'nginx/root.squashfs'), 'utf8'), 'nginx');
  assert.equal(statSync(join(target, 'bsp/kernel.img')).ino, statSync(join(objects, sha256('kernel 1'))).ino);
  assert.deepEqual(JSON.parse(readFileSync(join(target, 'nginx/run.json'), 'utf8')), nginx.state['nginx/run.json']);
  assert.deepEqual(readdirSync(join(target, '.pv')).sort(), ['pv-fdt.img', 'pv-initrd.img', 'pv-kernel.img']);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('trail')),
    ['trail'],
  );
  assert.equal(existsSync(join(target, 'old')), false);
  assert.equal(readFileSync(join(folder, 'transaction/.status')).readInt32LE(0), 5);
  await pvtx(['show'], { code: 11 });
  await pvtx(['deploy', target], { code: 11 });
});

test('deploy refuses missing objects and keys that leave the folder, and leaves it as it was', options, async (t) => {
  for (const [key, value] of [
    ['app/x', 'a'.repeat(64)],
    ['../out', {}],
    ['/etc/passwd', {}],
    ['.pvr/config', {}],
    ['app//x', {}],
  ]) {
    const { pvtx, folder, objects, write } = bench(t);
    mkdirSync(join(folder, 'trail/old'), { recursive: true });
    await pvtx(['begin', write('base', JSON.stringify({ ...spec, [key as string]: value })), objects]);
    await pvtx(['deploy', join(folder, 'trail')], { code: 255 });
    assert.deepEqual(readdirSync(join(folder, 'trail')), ['old']);
    assert.equal(existsSync(join(folder, 'trail.tmp')), false);
    assert.equal(existsSync(join(folder, 'out')), false);
  }
});

test('process_queue_without_begin', options, async (t) => {
  const { pvtx, show, folder, objects, write } = bench(t);
  await pvtx(['queue', 'new', join(folder, 'queue'), objects]);
  await pvtx(['queue', 'unpack', write('wifi.tgz', tgzOf(pvwificonnect))]);
  await pvtx(['queue', 'process', 'empty']);
  assert.deepEqual(await show(), pvwificonnect.state);
  mkdirSync(join(folder, 'trail'));
  await pvtx(['deploy', join(folder, 'trail')]);
  assert.deepEqual(JSON.parse(readFileSync(join(folder, 'trail/.pvr/json'), 'utf8')), pvwificonnect.state);
});

test('local_transaction: it cannot be committed', options, async (t) => {
  const { pvtx, objects } = bench(t);
  await pvtx(['begin', 'empty', objects]);
  await pvtx(['commit'], { code: 12 });
});

test(
  'show_is_idempotent, add_state_roundtrip, double_add_is_idempotent, abort_clears_transaction',
  options,
  async (t) => {
    const { pvtx, show, write } = bench(t);
    await pvtx(['begin', 'empty']);
    const file = write('state', base);
    await pvtx(['add', file]);
    assert.equal((await pvtx(['show'])).stdout, `${base}\n`);
    await pvtx(['add', file]);
    assert.equal((await pvtx(['show'])).stdout, `${base}\n`);
    await pvtx(['remove', 'no-such-part']);
    assert.equal((await pvtx(['show'])).stdout, `${base}\n`);
    await pvtx(['begin', 'empty'], { code: 255 });
    await pvtx(['abort']);
    await pvtx(['abort']);
    await pvtx(['begin', 'empty']);
    assert.deepEqual(await show(), spec);
  },
);

test('without a transaction each command says so with the exit code of the original', options, async (t) => {
  const { pvtx, write, folder } = bench(t);
  const file = write('state', base);
  for (const [argv, code] of [
    [['add', file], 1],
    [['remove', 'x'], 3],
    [['show'], 11],
    [['commit'], 11],
    [['deploy', folder], 11],
  ] as [string[], number][])
    assert.match((await pvtx(argv, { code })).stderr, new RegExp(`^ERROR: ${argv[0]}: no transaction is going on`));
  await pvtx(['begin', 'empty']);
  await pvtx(['remove'], { code: 4 });
  assert.match((await pvtx([], { code: 255 })).stderr, /^Usage: pvtx/);
  assert.match((await pvtx(['--help'])).stdout, /Examples:/);
  assert.match((await pvtx(['unknown'], { code: 255 })).stderr, /^ERROR: unknown: there is no such command/);
  assert.match((await pvtx(['completion', 'bash'])).stdout, /complete -F _pvtx pvtx/);
  assert.match((await pvtx(['__complete', ''])).stdout, /^begin\tstart a transaction\n/);
  assert.match((await pvtx(['__complete', 'queue', 'pro'])).stdout, /^process\t/);
  await pvtx(['add', file]);
  assert.match((await pvtx(['__complete', 'remove', ''])).stdout, /^bsp\tpart$/m);
  assert.match((await pvtx(['add', '/nowhere'], { code: 255 })).stderr, /cannot read \/nowhere: /);
  assert.match((await pvtx(['add', write('odd', 'BZh91AY')], { code: 255 })).stderr, /bzip2/);
  await pvtx(['abort']);
  assert.match((await pvtx(['begin', 'nothing'], { code: 255 })).stderr, /neither current, empty, a file nor a folder/);
  assert.match((await pvtx(['begin', write('bad', '{"a":')], { code: 255 })).stderr, /cannot use .*bad as a state/);
  assert.match((await pvtx(['begin'], { code: 255 })).stderr, /is pantavisor running/);
});

test('a folder can be the base: a repository, or an export that was unpacked', options, async (t) => {
  const { pvtx, show, folder, write } = bench(t);
  mkdirSync(join(folder, 'repository/.pvr'), { recursive: true });
  write('repository/.pvr/json', base);
  await pvtx(['begin', join(folder, 'repository')]);
  assert.deepEqual(await show(), full);
});

test('hostile and damaged packages are refused, and change nothing', options, async (t) => {
  const { state, objects: contents } = awconnect;
  const json = { name: 'json', content: stateText(state) };
  const [id, content] = Object.entries(contents)[0]!;
  const object = { name: `objects/${id}`, content };
  const packages: [string, Uint8Array, RegExp][] = [
    ['another content', makeTar([json, { ...object, content: 'x' }]), /SHA-256 of its content is/],
    ['a name with ..', makeTar([json, { ...object, name: `objects/../../${id}` }]), /leaves it/],
    ['an absolute name', makeTar([json, { ...object, name: `/objects/${id}` }]), /leaves it/],
    ['a symbolic link', makeTar([json, { name: `objects/${id}`, type: '2', target: '/etc/passwd' }]), /is no file/],
    ['a hard link', makeTar([{ name: 'json', type: '1', target: '/etc/passwd' }]), /is no file/],
    ['no state', makeTar([object]), /no member json/],
    ['two states', makeTar([json, json]), /two members json/],
    ['a cut archive', tarOf(awconnect).subarray(0, 700), /ends early/],
    ['a cut gzip', tgzOf(awconnect).subarray(0, 100), /./],
    ['no gzip', Buffer.concat([Buffer.from([0x1f, 0x8b]), Buffer.alloc(600, 7)]), /./],
    ['a huge state', gzipSync(makeTar([{ name: 'json', content: Buffer.alloc(9 * 1024 * 1024, 32) }])), /more than/],
    ['no JSON', makeTar([{ name: 'json', content: '{"a"' }]), /cannot use the state/],
    ['an array', makeTar([{ name: 'json', content: '[]' }]), /no JSON object/],
  ];
  const one = bench(t);
  await one.pvtx(['begin', one.write('base', base), one.objects]);
  const before = (await one.pvtx(['show'])).stdout;
  for (const [name, bytes, expected] of packages) {
    const { stderr } = await one.pvtx(['add', one.write('package', bytes)], { code: 255 });
    assert.match(stderr, expected, name);
    assert.equal((await one.pvtx(['show'])).stdout, before, name);
    for (const file of readdirSync(one.objects))
      assert.equal(sha256(readFileSync(join(one.objects, file))), file, name);
  }
});

test('directory members, ./ before names, long names and unknown members are no problem', options, async (t) => {
  const { state, objects: contents } = awconnect;
  const long = `extra/${'x'.repeat(150)}`;
  const archive = makeTar([
    { name: './', type: '5' },
    { name: 'objects/', type: '5' },
    { name: '././@LongLink', type: 'L', content: `${long}\0` },
    { name: long.slice(0, 100), content: 'passed over' },
    ...Object.entries(contents).map(([id, content]) => ({ name: `./objects/${id}`, content })),
    ...Object.entries(contents).map(([id, content]) => ({ name: `./objects/${id}`, content })),
    { name: './json', content: stateText(state) },
  ]);
  const { pvtx, show, write, objects } = bench(t);
  await pvtx(['begin', 'empty', objects]);
  await pvtx(['add', write('package.tar', archive)]);
  assert.deepEqual(await show(), state);
});

test('an object that is there is checked, and replaced when it is damaged', options, async (t) => {
  const { pvtx, write, objects } = bench(t);
  await pvtx(['begin', 'empty', objects]);
  const ids = Object.keys(nginx.objects);
  writeFileSync(join(objects, ids[0]!), 'damaged');
  symlinkSync('/nowhere', join(objects, ids[1]!));
  await pvtx(['add', write('nginx.tgz', tgzOf(nginx))]);
  for (const id of ids) assert.equal(readFileSync(join(objects, id), 'utf8'), nginx.objects[id]);
});

test(
  'against a device: begin with the running revision, objects go there, commit makes a local revision',
  options,
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'pvtx-device-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const rooms = await createScriptedRooms({ files: createFiles(), text: createText() }, join(folder, 'storage'));
    symlinkSync('0', join(folder, 'storage/trails/current'));
    const socket = join(folder, 'pv-ctrl');
    const server = await startControl(createHttp(), socket, rooms);
    t.after(() => server.close());
    const { pvtx, show, write } = bench(t, { PV_CTRL_SOCKET: socket });
    await pvtx(['begin']);
    const running = await show();
    await pvtx(['add', write('config.tgz', tgzOf(nginxConfig))]);
    assert.deepEqual(await show(), { ...running, ...nginxConfig.state });
    for (const id of Object.keys(nginxConfig.objects)) assert.ok(existsSync(join(folder, 'storage/objects', id)));
    assert.match((await pvtx(['deploy', folder], { code: 255 })).stderr, /pvtx commit/);
    await pvtx(['commit', 'mine'], { code: 255 });
    const { stdout } = await pvtx(['commit']);
    assert.match(stdout, /^locals\/pvtx-\d{10}-[0-9a-f]{8}-\d{1,3}\n$/);
    const stored = readFileSync(join(folder, 'storage/trails', stdout.trim(), '.pvr/json'), 'utf8');
    assert.deepEqual(JSON.parse(stored), { ...running, ...nginxConfig.state });
    await pvtx(['commit'], { code: 11 });
    await pvtx(['begin', 'empty']);
    const wrong = makeTar([{ name: `objects/${sha256('a')}`, content: 'b' }]);
    assert.match((await pvtx(['add', '-'], { code: 255, stdin: wrong })).stderr, /the device refused PUT .*checksum/);
    assert.equal((await pvtx(['commit', 'locals/mine'])).stdout, 'locals/mine\n');
  },
);

/** The cuts are made in this process, so only the Node host has them. */
const onlyNode = small ? () => undefined : test;
void onlyNode(
  'a cut at any change of the disk leaves a transaction that goes on or can be given up',
  options,
  async (t) => {
    for (let last = 0; ; last += 1) {
      // Every run flushes to the disk at each step: in memory that takes no time.
      const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'pvtx-cut-'));
      t.after(() => rmSync(folder, { recursive: true, force: true }));
      const tools = createNodeTools();
      let done = 0;
      const cut = new Error('power cut');
      const guarded =
        <Values extends unknown[], T>(work: (...values: Values) => Promise<T>) =>
        (...values: Values): Promise<T> =>
          done++ < last ? work(...values) : Promise.reject(cut);
      const { files } = tools;
      const silent = { isTTY: false, columns: 80, write: () => {} };
      const host = (isCut: boolean) => ({
        ...tools,
        environment: { PVTXDIR: join(folder, 'transaction') },
        stdout: silent,
        stderr: silent,
        files: isCut
          ? {
              ...files,
              replace: guarded(files.replace),
              makeDirectory: guarded(files.makeDirectory),
              remove: guarded(files.remove),
              rename: guarded(files.rename),
              link: guarded(files.link),
              syncFileSystem: async () => {},
            }
          : { ...files, syncFileSystem: async () => {} },
      });
      const [objects, trail, file] = ['objects', 'trail', 'nginx.tgz'].map((name) => join(folder, name));
      mkdirSync(join(trail!, '.pvr'), { recursive: true });
      writeFileSync(join(trail!, '.pvr/json'), base);
      writeFileSync(file!, tgzOf(nginx));
      const steps = [
        ['begin', 'empty', objects!],
        ['add', file!],
        ['deploy', trail!],
      ];
      let whole = true;
      for (const argv of steps) whole = whole && (await runPvtx(argv, host(true))) === 0;
      // The folder, or the one beside it that the next deployment takes back, is the former or the new one.
      const there = existsSync(trail!) ? trail! : `${trail}.bak`;
      assert.ok([base, stateText(nginx.state)].includes(readFileSync(join(there, '.pvr/json'), 'utf8')), `cut ${last}`);
      for (const argv of [['abort'], ...steps])
        assert.equal(await runPvtx(argv, host(false)), 0, `${argv[0]} after cut ${last}`);
      assert.equal(readFileSync(join(trail!, '.pvr/json'), 'utf8'), stateText(nginx.state));
      if (whole) return;
    }
  },
);
