import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ParseContext } from './model.ts';
import { parseState } from './state.ts';
import { accepted, acceptedText, appEngine, objectId, parse, run, stateText } from './testing/states.ts';

const a = objectId('a');
const embedded: ParseContext = { initMode: 'embedded' };
const bsp = { linux: 'kernel.img', initrd: 'pantavisor' };

const rulesOf = (members: object, context?: ParseContext): string[] =>
  parse(members, context).problems.map(({ rule }) => rule);

test('keys are sorted into objects, inline JSON and what concerns tools only', () => {
  const state = accepted({
    'README.md': a,
    'app/run.json': run('app'),
    'app/lxc.container.conf': a,
    'app/src.json': { template: 'x' },
    'app/build.json': {},
    'app/raw.json': a,
    'app/data/mdev.json': { rules: [] },
    'app/list.json': [1, 2],
    'app/word.json': 'word',
    '_sigs/app.json': { '#spec': 'pvs@2' },
    '_sigs/blob': a,
    '_config/app/etc/app.conf': a,
    '_config/app/etc/run.json': { name: 'no container' },
    'network-mapping.json': {},
  });
  assert.deepEqual(state.objects, [
    { path: 'README.md', id: a },
    { path: 'app/lxc.container.conf', id: a, owner: 'app' },
    { path: 'app/raw.json', id: a, owner: 'app' },
    { path: '_config/app/etc/app.conf', id: a, owner: 'app' },
  ]);
  assert.deepEqual(
    state.inline.map(({ path, owner }) => [path, owner]),
    [
      ['app/run.json', 'app'],
      ['app/data/mdev.json', 'app'],
      ['app/list.json', 'app'],
      ['app/word.json', 'app'],
      ['_config/app/etc/run.json', 'app'],
      ['network-mapping.json', undefined],
    ],
  );
  assert.deepEqual(
    state.containers.map(({ name }) => name),
    ['app'],
  );
});

test('inline JSON keeps the characters of the document', () => {
  const manifest = '{ "name" : "app",\n\t"type":"lxc", "config": "c" , "x": 1.50e0 }';
  const state = acceptedText(`{"#spec":"pantavisor-service-system@1","app/run.json":  ${manifest}\n, "app/c":"${a}"}`);
  assert.equal(state.inline[0]?.text, manifest);
});

test('a key that only begins like a special file is an object like any other', () => {
  const state = accepted({ d: a, disks: a, '#spec2': a });
  assert.deepEqual(
    state.objects.map(({ path }) => path),
    ['d', 'disks', '#spec2'],
  );
});

test('the owner is the container whose name is the first component, whatever its directory', () => {
  const state = accepted({
    'box/run.json': run('web', { config: 'c' }),
    'box/c': a,
    'web/file': a,
    '_config/box/x': a,
    '_config/web/x': a,
    'webby/file': a,
    web2: a,
  });
  const owners = Object.fromEntries([...state.objects, ...state.inline].map(({ path, owner }) => [path, owner]));
  assert.deepEqual(owners, {
    'box/c': undefined,
    'web/file': 'web',
    '_config/box/x': undefined,
    '_config/web/x': 'web',
    'webby/file': undefined,
    web2: undefined,
    'box/run.json': undefined,
  });
});

test('containers may lie deeper than one directory', () => {
  const state = accepted({ 'group/app/run.json': run('app', { config: 'c' }), 'group/app/c': a });
  assert.deepEqual([state.containers[0]?.name, state.containers[0]?.directory], ['app', 'group/app']);
});

test('of duplicate keys the last counts, as in every JSON library', () => {
  const b = objectId('b');
  const { state, problems } = parseState(`{"#spec":"pantavisor-service-system@1","f":"${a}","f":"${b}"}`, appEngine);
  assert.deepEqual(state?.objects, [{ path: 'f', id: b }]);
  assert.deepEqual(
    problems.map(({ rule, line, column }) => [rule, line, column]),
    [['key-duplicate', 1, 112]],
  );
});

test('names with escape sequences are decoded, with a warning', () => {
  const { state, problems } = parseState(
    `{"#spec":"pantavisor-service-system@1","a\\u0026b":"${a}","c\\/d":"${a}"}`,
    appEngine,
  );
  assert.deepEqual(
    state?.objects.map(({ path }) => path),
    ['a&b', 'c/d'],
  );
  assert.deepEqual(
    problems.map(({ rule }) => rule),
    ['key-escaped', 'key-escaped'],
  );
  const sneaky = parseState(`{"#spec":"pantavisor-service-system@1","\\u002e\\u002e/x":"${a}"}`, appEngine);
  assert.deepEqual(
    sneaky.problems.map(({ rule }) => rule),
    ['path-invalid'],
  );
});

test('ids in upper case are taken in lower case', () => {
  assert.equal(accepted({ f: objectId('A') }).objects[0]?.id, a);
});

test('the format decides where a state may run', () => {
  const legacy = JSON.stringify({
    '#spec': 'pantavisor-multi-platform@1',
    'pantavisor.json': { ...bsp, platforms: ['app'], volumes: ['v.squashfs'] },
    'app.json': { name: 'app', type: 'lxc', exec: '/init', share: ['NETWORK'] },
    'v.squashfs': a,
  });
  const { state } = parseState(legacy, embedded);
  assert.ok(state);
  assert.deepEqual([state.groups, state.containers], [[], []]);
  assert.deepEqual(state.objects, [{ path: 'v.squashfs', id: a }]);
  assert.deepEqual(state.bsp?.image, { kind: 'linux', kernel: 'kernel.img', initrd: 'pantavisor' });
  assert.equal(parseState(legacy, appEngine).state, undefined);
});

test('the board support part is read outside the app engine, and its first image set counts', () => {
  const files = Object.fromEntries(
    ['kernel.img', 'pantavisor', 'm', 'f', 'x.cpio', 'fit', 'rpi', 'm6'].map((name) => [`bsp/${name}`, a]),
  );
  const state = accepted(
    {
      'bsp/run.json': { ...bsp, modules: 'dm:m', firmware: 'f', 'modules_6.1': 'm6', addons: ['x.cpio'], fdt: '' },
      ...files,
    },
    embedded,
  );
  assert.deepEqual(state.bsp, {
    image: { kind: 'linux', kernel: 'kernel.img', initrd: 'pantavisor' },
    modules: 'dm:m',
    firmware: 'f',
    modulesFor: { '6.1': 'm6' },
    addons: ['x.cpio'],
  });
  const image = (members: object, bootloader?: string) =>
    parse({ 'bsp/run.json': members, ...files }, { ...embedded, ...(bootloader ? { bootloader } : {}) }).state?.bsp
      ?.image;
  assert.deepEqual(image({ ...bsp, fit: 'fit', rpiab: 'rpi' }), { kind: 'fit', fit: 'fit' });
  assert.deepEqual(image({ ...bsp, rpiab: 'rpi' }), { kind: 'rpiab', image: 'rpi' });
  assert.deepEqual(image({ ...bsp, rpiab: 'rpi' }, 'rpiab'), { kind: 'rpiab', image: 'rpi' });
  assert.equal(accepted({ 'bsp/run.json': 'anything' }).bsp, undefined);
  assert.deepEqual(
    rulesOf({ 'bsp/run.json': { ...bsp, linux: '../kernel.img' } }, embedded).includes('file-name-invalid'),
    true,
  );
});

// biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax of the drivers file.
const withOptions = 'iwlwifi ${user-meta:opts}';

test('drivers come from the sections of the device; the section that stands last wins', () => {
  const drivers = {
    '#spec': 'driver-aliases@1',
    all: { wifi: [withOptions], bt: ['hci'] },
    'dtb:board.dtb': { wifi: ['cfg80211', 'brcmfmac'] },
    'fitconfig:conf-1': { wifi: ['fit'] },
    'ovl:hat': { bt: ['hat'] },
    'xxxxxxxxx:conf-1': { wifi: ['never'] },
  };
  const read = (context: Partial<ParseContext>) =>
    accepted({ 'bsp/drivers.json': drivers }, { ...appEngine, ...context }).drivers;
  assert.deepEqual(read({}), { wifi: [withOptions], bt: ['hci'] });
  assert.deepEqual(read({ deviceTree: 'board.dtb' }), { wifi: ['cfg80211', 'brcmfmac'], bt: ['hci'] });
  assert.deepEqual(read({ deviceTree: 'board.dtb', fitConfig: 'conf-1', overlays: ['hat'] }), {
    wifi: ['fit'],
    bt: ['hat'],
  });
});

test('every problem is found in one reading', () => {
  const rules = rulesOf({
    'one/run.json': run('one', { group: 'none', status_goal: 'DONE', volumes: ['x'] }),
    '/abs': a,
    file: 'short',
    'groups.json': [{ name: 'all' }, { timeout: -1 }],
  });
  assert.deepEqual(rules, [
    'group-unknown',
    'status-goal-unknown',
    'volume-name',
    'path-invalid',
    'object-id-invalid',
    'group-name',
    'value-range',
  ]);
});

test('files that manifests name are looked for', () => {
  const manifest = run('app', {
    'root-volume': 'dm:root.squashfs',
    volumes: ['etc.data', 'key.bind', 'extra.squashfs'],
  });
  const { state, problems } = parse({ 'app/run.json': manifest, 'app/etc.data/hosts': a, 'app/key.bind': a });
  assert.ok(state);
  const missing = problems
    .filter(({ rule }) => rule === 'file-missing')
    .map(({ message }) => /"(.*?)"/.exec(message)?.[1]);
  assert.deepEqual(missing, ['app/lxc.container.conf', 'app/root.squashfs', 'app/extra.squashfs']);
});

test('names from the prototype of objects are names like others', () => {
  const text = stateText({}).replace(
    '}',
    `,"__proto__":"${a}","constructor/run.json":{"name":"constructor","type":"lxc","config":"__proto__"},"constructor/__proto__":"${a}"}`,
  );
  const state = acceptedText(text);
  assert.deepEqual(
    state.objects.map(({ path, owner }) => [path, owner]),
    [
      ['__proto__', undefined],
      ['constructor/__proto__', 'constructor'],
    ],
  );
  const drivers = acceptedText(
    stateText({}).replace('}', ',"bsp/drivers.json":{"all":{"__proto__":["m"],"toString":["n"]}}}'),
  ).drivers;
  assert.deepEqual(Object.keys(drivers), ['__proto__', 'toString']);
});
