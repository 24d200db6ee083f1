import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { canonicalValue } from '@pantavisor/state';
import fc from 'fast-check';
import { makeWorkspace } from '../testing/workspace.ts';
import { addFiles } from './add.ts';
import { checkout } from './checkout.ts';
import { commit } from './commit.ts';
import { Repository } from './repository.ts';
import { defaultSpec, readStateDocument, writeStateDocument } from './values.ts';
import { takeSnapshot } from './working-tree.ts';

const name = fc.stringMatching(/^[a-zA-Z0-9_.\-ä😀 ]{1,8}$/u).filter((text) => !/^\.+$|^\.pvr?$/.test(text));
const json = fc.jsonValue({ maxDepth: 3 }).filter((value) => !/null|^"[0-9a-f]{64}"$/.test(JSON.stringify(value)));
/** Flat enough that no name is a file and a directory at once. */
const files = fc.dictionary(
  fc.tuple(name, name).map(([directory, file]) => `d-${directory}/f-${file}`),
  fc.uint8Array({ maxLength: 200 }),
  { maxKeys: 6, noNullPrototype: true },
);
const documents = fc.dictionary(
  name.map((text) => `j-${text}.json`),
  json,
  { maxKeys: 4, noNullPrototype: true },
);

test('commit, then checkout elsewhere, gives the same tree and the same state', async () => {
  await fc.assert(
    fc.asyncProperty(files, documents, async (objects, inline) => {
      const directory = mkdtempSync(join(tmpdir(), 'pvr-test-'));
      try {
        const repository = Repository.init(join(directory), defaultSpec, '');
        for (const [key, content] of Object.entries(objects)) {
          mkdirSync(dirname(join(directory, key)), { recursive: true });
          writeFileSync(join(directory, key), content);
        }
        for (const [key, value] of Object.entries(inline)) writeFileSync(join(directory, key), JSON.stringify(value));
        await addFiles(repository, [], { raw: false, directory });
        await commit(repository, 'all');
        const text = repository.readStateText();
        assert.equal(writeStateDocument(readStateDocument(text, 'state')), text);
        for (const key of [...Object.keys(objects), ...Object.keys(inline)]) rmSync(join(directory, key));
        await checkout(repository);
        for (const [key, content] of Object.entries(objects))
          assert.deepEqual(new Uint8Array(readFileSync(join(directory, key))), content);
        for (const [key, value] of Object.entries(inline))
          assert.equal(canonicalValue(JSON.parse(readFileSync(join(directory, key), 'utf8'))), canonicalValue(value));
        const { changes } = await takeSnapshot(repository);
        assert.deepEqual(changes, { added: [], removed: [], changed: [], untracked: [] });
        await commit(repository, 'again');
        assert.equal(repository.readStateText(), text);
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    }),
    { numRuns: 40 },
  );
});

test('status names what was added, removed, changed and is unknown', async (context) => {
  const space = makeWorkspace(context);
  await space.ok(['init']);
  space.write({ 'app/same': 'same', 'app/old': 'old', 'app/gone': 'gone', 'app/run.json': { a: 1 } });
  await space.ok(['add', '.']);
  await space.ok(['commit', '-m', 'first']);
  rmSync(space.path('app/gone'));
  space.write({ 'app/old': 'new', 'app/run.json': { a: 2 }, 'app/fresh': 'fresh', 'app/unknown': '?' });
  await space.ok(['add', 'app/fresh']);
  assert.equal(await space.ok(['status']), 'A app/fresh\nD app/gone\nC app/old\nC app/run.json\n? app/unknown\n');
  const patch = JSON.parse(await space.ok(['diff']));
  assert.equal(patch['app/gone'], null);
  assert.deepEqual(patch['app/run.json'], { a: 2 });
  assert.equal(patch['app/old'], createHash('sha256').update('new').digest('hex'));
  assert.deepEqual(JSON.parse(await space.ok(['status', '--json'])), {
    added: ['app/fresh'],
    removed: ['app/gone'],
    changed: ['app/old', 'app/run.json'],
    untracked: ['app/unknown'],
  });
});

test('the files of the repository are those of the original', async (context) => {
  const space = makeWorkspace(context);
  await space.ok(['init']);
  assert.equal(readFileSync(space.path('.pvr/json'), 'utf8'), `{ "#spec": "${defaultSpec}" }`);
  space.write({ 'a.json': '{"z":[1.50,1e3,-0],"<":"&","big":12345678901234567890}', b: 'b', 'raw.json': '{"x": 1}' });
  await space.ok(['add', 'a.json', 'b']);
  await space.ok(['add', '--raw', 'raw.json']);
  const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
  assert.equal(
    readFileSync(space.path('.pvr/new'), 'utf8'),
    canonicalValue({
      'a.json': { ForceObject: false, Sha: sha(readFileSync(space.path('a.json'), 'utf8')) },
      b: { ForceObject: false, Sha: sha('b') },
      'raw.json': { ForceObject: true, Sha: sha('{"x": 1}') },
    }),
  );
  await space.ok(['commit', '-m', 'why']);
  assert.equal(existsSync(space.path('.pvr/new')), false);
  assert.equal(readFileSync(space.path('.pvr/commitmsg'), 'utf8'), 'why');
  assert.equal(
    readFileSync(space.path('.pvr/json'), 'utf8'),
    `{"#spec":"${defaultSpec}","a.json":{"<":"&","big":12345678901234567890,"z":[1.5E0,1000,0]},"b":"${sha('b')}","raw.json":"${sha('{"x": 1}')}"}`,
  );
  const config = JSON.parse(readFileSync(space.path('.pvr/config'), 'utf8'));
  assert.equal(config.ObjectsDir, join(space.home, '.pvr/objects'));
  assert.deepEqual(Object.keys(config), [
    'DefaultGetUrl',
    'DefaultPutUrl',
    'DefaultPostUrl',
    'ObjectsDir',
    'AccessTokens',
    'RefreshTokens',
  ]);
  assert.equal(readFileSync(join(config.ObjectsDir, sha('b')), 'utf8'), 'b');
});

test('nulls are left out with a warning, and the tree is clean afterwards', async (context) => {
  const space = makeWorkspace(context);
  await space.ok(['init']);
  space.write({ 'x.json': '{"a":null,"b":[null,1]}' });
  await space.ok(['add', '.']);
  const { err } = await space.run(['commit']);
  assert.match(err, /x\.json holds null/);
  assert.match(readFileSync(space.path('.pvr/json'), 'utf8'), /"x\.json":\{"b":\[1\]\}/);
  assert.equal(await space.ok(['status']), '');
});

test('an unchanged tree is not read again, a change of the same size is seen', async (context) => {
  const space = makeWorkspace(context);
  await space.ok(['init']);
  const past = new Date(Date.now() - 60_000);
  space.write({ a: 'one', 'b.json': { v: 1 } });
  for (const file of ['a', 'b.json']) utimesSync(space.path(file), past, past);
  await space.ok(['add', '.']);
  await space.ok(['commit']);
  // Files of this very moment are not trusted; the clock of the file system has to go on first.
  let cache: { version: number; files: Record<string, unknown[]> } = { version: 0, files: {} };
  for (let round = 0; round < 1000 && Object.keys(cache.files).length < 2; round += 1) {
    await space.ok(['status']);
    cache = JSON.parse(readFileSync(space.path('.pvr/stat-cache'), 'utf8'));
  }
  assert.deepEqual(Object.keys(cache.files).sort(), ['a', 'b.json']);
  // Lies in the cache show that the files themselves are not asked.
  cache.files.a![4] = '0'.repeat(64);
  cache.files['b.json']![5] = '{"v":2}';
  writeFileSync(space.path('.pvr/stat-cache'), JSON.stringify(cache));
  assert.equal(await space.ok(['status']), 'C a\nC b.json\n');
  space.write({ a: 'two' });
  utimesSync(space.path('a'), past, past);
  await space.ok(['status']);
  assert.match(await space.ok(['diff']), new RegExp(createHash('sha256').update('two').digest('hex')));
});

test('what cannot be recorded is explained', async (context) => {
  const space = makeWorkspace(context);
  await space.ok(['init']);
  mkdirSync(space.path('r/empty'), { recursive: true });
  space.write({ 'r/file': 'content' });
  symlinkSync('file', space.path('r/link'));
  symlinkSync('nowhere', space.path('r/dangling'));
  symlinkSync('/', space.path('r/outside'));
  const { err } = await space.run(['add', 'r', 'nothing*']);
  assert.match(err, /r\/empty is not added: the directory is empty/);
  assert.match(err, /r\/dangling is not added: it is a link that leads nowhere/);
  assert.match(err, /r\/outside is not added: it is a link to a directory/);
  assert.match(err, /r\/link is a link: the content of its target is added/);
  assert.match(err, /nothing\* matches no file/);
  await space.ok(['commit']);
  await space.ok(['checkout']);
  assert.equal(await space.ok(['status']), '');
  const outside = await space.run(['add', '../elsewhere']);
  assert.equal(outside.code, 3);
});

test('the repository is found from below, and its absence is a failure with a hint', async (context) => {
  const space = makeWorkspace(context);
  space.write({ 'r/deep/down/file': 'x' });
  await space.ok(['init'], 'r');
  await space.ok(['add', 'file'], 'r/deep/down');
  assert.equal(await space.ok(['status'], 'r/deep'), 'A deep/down/file\n');
  const { code, err } = await space.run(['status']);
  assert.equal(code, 2);
  assert.match(err, /cannot find a repository/);
});

test('a state cannot reach out of the tree', async (context) => {
  const space = makeWorkspace(context);
  await space.ok(['init'], 'r').catch(() => {});
  mkdirSync(space.path('r'), { recursive: true });
  await space.ok(['init'], 'r');
  mkdirSync(space.path('elsewhere'));
  for (const key of ['../evil.json', '/tmp/evil.json', 'a/../../evil.json', '.pvr/config', './x.json', 'a//b.json']) {
    writeFileSync(space.path('r/.pvr/json'), JSON.stringify({ '#spec': defaultSpec, [key]: { evil: 1 } }));
    const { code, err } = await space.run(['checkout'], 'r');
    assert.equal(code, 3, key);
    assert.match(err, /cannot use the key/, key);
  }
  symlinkSync(space.path('elsewhere'), space.path('r/way'));
  writeFileSync(space.path('r/.pvr/json'), JSON.stringify({ '#spec': defaultSpec, 'way/x.json': { evil: 1 } }));
  const { code, err } = await space.run(['checkout'], 'r');
  assert.equal(code, 3);
  assert.match(err, /cannot write below .*way: it is a link/);
  assert.equal(existsSync(space.path('elsewhere/x.json')), false);
});

test('a damaged or missing object is named, and nothing is written', async (context) => {
  const space = makeWorkspace(context);
  await space.ok(['init', '-o', 'pool']);
  space.write({ f: 'content' });
  await space.ok(['add', '.']);
  await space.ok(['commit']);
  const sha = createHash('sha256').update('content').digest('hex');
  writeFileSync(space.path(`pool/${sha}`), 'CONTENT');
  rmSync(space.path('f'));
  const damaged = await space.run(['checkout']);
  assert.equal(damaged.code, 3);
  assert.match(damaged.err, /cannot use the object .* of f: its content/);
  assert.equal(existsSync(space.path('f')), false);
  rmSync(space.path(`pool/${sha}`));
  assert.match((await space.run(['checkout', '--json'])).err, /"code":"object-missing"/);
});

test('hard links share the object and are read-only', async (context) => {
  const space = makeWorkspace(context);
  await space.ok(['init', '-o', 'pool']);
  space.write({ f: 'content', 'j.json': { b: 1, a: 2 } });
  await space.ok(['add', '.']);
  await space.ok(['commit']);
  await space.ok(['checkout', '--hardlink']);
  const sha = createHash('sha256').update('content').digest('hex');
  assert.equal(statSync(space.path('f')).ino, statSync(space.path(`pool/${sha}`)).ino);
  assert.equal(statSync(space.path('f')).mode & 0o777, 0o444);
  assert.equal(readFileSync(space.path('j.json'), 'utf8'), '{"a":2,"b":1}');
});

test('two changes at once: the second is refused, a lock of a dead process is not', async (context) => {
  const space = makeWorkspace(context);
  await space.ok(['init']);
  writeFileSync(space.path('.pvr/lock'), String(process.pid));
  assert.match((await space.run(['commit', '--json'])).err, /repository-busy/);
  writeFileSync(space.path('.pvr/lock'), '999999999');
  await space.ok(['commit']);
  linkSync(space.path('.pvr/json'), space.path('.pvr/kept'));
});

test('a broken .json file is named with its line', async (context) => {
  const space = makeWorkspace(context);
  await space.ok(['init']);
  space.write({ 'x.json': '{\n  "a": 1,\n}\n', 'y.json': '' });
  const { code, err } = await space.run(['add', '.']);
  assert.equal(code, 3);
  assert.match(err, /cannot read x\.json as JSON, line 3/);
  await space.ok(['add', '--raw', '.']);
  await space.ok(['commit']);
});

test('.pvrignore leaves out what is not committed yet, and itself', async (context) => {
  const space = makeWorkspace(context);
  await space.ok(['init']);
  space.write({ 'build/kept': 'x', 'web/run.json': {}, 'notes.log': 'x' });
  await space.ok(['add', 'build/kept']);
  await space.ok(['commit']);
  space.write({
    '.pvrignore': '# what tools leave\nbuild/\n*.log\n!web/*.log\n/only-here\n',
    'build/new': 'x',
    'web/app.log': 'x',
    'web/only-here': 'x',
    'only-here/a': 'x',
  });
  assert.equal(await space.ok(['status']), '? web/app.log\n? web/only-here\n? web/run.json\n');
  space.write({ 'build/kept': 'changed' });
  assert.match(await space.ok(['status']), /^C build\/kept$/m, 'what is committed stays');
  const { code, err } = await space.run(['add', '.', 'notes.log', 'only-here/a']);
  assert.equal(code, 0);
  assert.match(err, /notes\.log is not added: \.pvrignore leaves out notes\.log/);
  assert.match(err, /only-here\/a is not added: \.pvrignore leaves out only-here/);
  await space.ok(['commit']);
  const state = JSON.parse(await space.ok(['json']));
  assert.deepEqual(Object.keys(state), ['#spec', 'build/kept', 'web/app.log', 'web/only-here', 'web/run.json']);
  assert.equal(await space.ok(['status']), '');
});
