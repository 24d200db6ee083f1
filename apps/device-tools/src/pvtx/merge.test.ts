/** Laws of adding and removing, over states with signatures that overlap (pvtx.md §4). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readJson } from '../../../../packages/state/src/json/reader.ts';
import { addState, removePart } from './merge.ts';
import { compareKeys, readMembers, readState, writeState } from './state-text.ts';
import { configPackage, containerPackage, type State, signature, spec, stateText } from './testing/packages.ts';

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const add = (state: string, added: string) => addState(state, added, decode);
const remove = (state: string, part: string) => removePart(state, part, decode);
const empty = writeState([]);

const name = fc.constantFrom('app', 'app2', 'web', 'os', 'bsp');
const file = fc.constantFrom('run.json', 'src.json', 'root.squashfs', 'a/b.conf');
const key = fc.oneof(
  fc.tuple(name, file).map(([part, path]) => `${part}/${path}`),
  fc.tuple(name, file).map(([part, path]) => `_config/${part}/${path}`),
  fc.constantFrom('device.json', 'groups.json', 'ü/\u{1f600}', 'a b'),
);
const pattern = fc.oneof(
  name.map((part) => `${part}/**`),
  name.map((part) => `_config/${part}/**`),
  key,
  fc.constantFrom('**', '*.json', 'app/run.json'),
);
const value = fc.oneof(fc.constantFrom('a'.repeat(64), 'b'.repeat(64)), fc.record({ n: fc.integer() }));
const signed = fc
  .tuple(name, fc.array(pattern, { maxLength: 3 }), fc.array(pattern, { maxLength: 2 }))
  .map(([part, include, exclude]) => [`_sigs/${part}.json`, signature(include, exclude)] as const);
const state = fc
  .tuple(fc.dictionary(key, value, { maxKeys: 8 }), fc.array(signed, { maxLength: 3 }))
  .map(([files, signatures]) => stateText({ ...spec, ...files, ...Object.fromEntries(signatures) }));
const part = fc.oneof(
  name,
  key,
  name.map((each) => `_sigs/${each}.json`),
  name.map((each) => `_config/${each}`),
);

const containerFiles = fc.dictionary(file, fc.string({ maxLength: 4 }), { minKeys: 1 });

test('adding a package twice is adding it once, whatever version and whatever else was there', () => {
  const versions = fc.tuple(fc.constantFrom('web', 'os', 'bsp'), containerFiles, containerFiles);
  fc.assert(
    fc.property(versions, state, ([part, before, after], other) => {
      const [former, next] = [before, after].map((files) => stateText(containerPackage(part, files).state));
      // Files under the name of the package that nobody signed would be taken for those of the signature that comes.
      const others = ['web', 'os', 'bsp'].reduce(
        (text, each) => remove(remove(text, `${each}/`), `_config/${each}/`),
        other,
      );
      fc.pre(!/_sigs/.test(others));
      const once = add(add(others, former!), next!);
      assert.equal(add(once, next!), once);
    }),
  );
});

test('what comes is there afterwards, as it was written, in byte order and once', () => {
  fc.assert(
    fc.property(state, state, (base, added) => {
      const members = readMembers(add(base, added));
      const coming = readState(added);
      for (const each of coming)
        assert.deepEqual(
          members.find((one) => one.key === each.key),
          each,
        );
      const keys = members.map((each) => each.key);
      assert.equal(new Set(keys).size, keys.length);
      const sorted = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      if (coming.length > 0) assert.deepEqual(keys, sorted);
    }),
  );
});

test('removing changes nothing that is left, and nothing at all when nothing matches', () => {
  fc.assert(
    fc.property(state, part, (base, gone) => {
      const after = remove(base, gone);
      const before = new Map(readMembers(base).map((each) => [each.key, each.value]));
      for (const each of readMembers(after)) assert.equal(each.value, before.get(each.key));
      if (readMembers(after).length === before.size) assert.equal(after, base);
      assert.equal(readMembers(after)[0]?.key, '#spec');
    }),
  );
});

test('a package that is added to others and removed again leaves them as they were', () => {
  const container = fc.tuple(name, containerFiles);
  fc.assert(
    fc.property(fc.uniqueArray(container, { selector: ([part]) => part, minLength: 2 }), (containers) => {
      const made = containers.map(([part, files]) => ({ part, text: stateText(containerPackage(part, files).state) }));
      const [last, ...others] = made;
      // A name that begins another one is a prefix of its keys, too (the original's rule).
      fc.pre(!others.some(({ part }) => part.startsWith(last!.part)));
      const base = others.reduce((text, each) => add(text, each.text), empty);
      const whole = add(base, last!.text);
      for (const way of [last!.part, `_config/${last!.part}`, `_sigs/${last!.part}.json`])
        assert.equal(remove(whole, way), base, way);
    }),
  );
});

test('members are cut as the strict reader of states cuts them', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.json(), { noNullPrototype: true }), (parts) => {
      const text = `{ ${Object.entries(parts)
        .map(([each, json]) => `${JSON.stringify(each)} :\t${json}\n`)
        .join(' , ')}}`;
      const { root } = readJson(text);
      assert.ok(root?.kind === 'object');
      const expected = root.members.map((member) => ({
        key: member.key,
        name: text.slice(member.keyStart - 1, member.keyEnd + 1),
        value: text.slice(member.value.start, member.value.end),
      }));
      assert.deepEqual(readMembers(text), expected);
    }),
  );
});

test('keys are in the order of their bytes', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'z', '\u00e9', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'),
  });
  fc.assert(
    fc.property(text, text, (a, b) => {
      assert.equal(Math.sign(compareKeys(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});

test('numbers, escapes and blanks inside values stay as they were written', () => {
  const text = '{"#spec":"pantavisor-service-system@1","a\\u002fb":{"n": 12345678901234567890.10e+2, "s":"\\/"}}';
  assert.equal(add(empty, text), text);
});

test('what is no state is refused with a reason', () => {
  for (const text of ['', '[]', 'null', '{', '"x"', '{"#spec":"pantavisor-multi-platform@1"}'])
    assert.throws(() => add(empty, text), Error, text);
});

test('a key that two signatures claim stays until both are gone', () => {
  const keys = { '_config/nginx/a': 'one', '_config/nginx/b': 'two' };
  const include = ['_config/nginx/a', '_config/nginx/b'];
  const [a, b] = ['config_a', 'config_b'].map((each) => stateText(configPackage(each, keys, include).state));
  const both = add(add(empty, a!), b!);
  assert.equal(remove(both, '_sigs/config_a.json'), b);
  assert.equal(remove(remove(both, '_sigs/config_a.json'), '_sigs/config_b.json'), empty);
});

test('of duplicate members the last one counts, as on the device', () => {
  const twice = `{"#spec":"${spec['#spec']}","a":"1","a":"2","b":"3"}`;
  assert.equal(remove(twice, 'b'), `{"#spec":"${spec['#spec']}","a":"2"}`);
});

test('a large state is merged in reasonable time', () => {
  const big: State = { ...spec };
  for (let index = 0; index < 60; index += 1)
    Object.assign(big, containerPackage(`c${index}`, { 'root.squashfs': 'x', a: 'y', b: 'z' }).state);
  const text = stateText(big);
  assert.equal(add(text, text), text);
});
