import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseState } from './state.ts';
import { stateMembers } from './testing/arbitraries.ts';
import { fuzzStates } from './testing/fuzz.ts';
import { checkLaws } from './testing/invariants.ts';
import { acceptedText, appEngine, stateText } from './testing/states.ts';

test('the laws hold for random states, which are accepted', () => {
  fc.assert(
    fc.property(stateMembers, (members) => {
      const text = stateText(members);
      acceptedText(text);
      checkLaws(text, appEngine);
    }),
  );
});

test('the laws hold for damaged states', () => {
  assert.equal(fuzzStates(1500, 20260821), undefined);
});

test('layout does not matter to what a state means', () => {
  fc.assert(
    fc.property(stateMembers, fc.constantFrom(' ', '\t', '\n\n'), (members, indent) => {
      const plain = acceptedText(stateText(members));
      const wide = acceptedText(JSON.stringify(JSON.parse(stateText(members)), null, indent));
      assert.deepEqual(wide.containers, plain.containers);
      assert.deepEqual(wide.groups, plain.groups);
      assert.deepEqual(wide.objects, plain.objects);
    }),
  );
});

test('unknown members of manifests do not matter', () => {
  const unknown = fc.dictionary(fc.stringMatching(/^x-[a-z]{1,5}$/), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 });
  fc.assert(
    fc.property(stateMembers, unknown, (members, extra) => {
      const extended = Object.fromEntries(
        Object.entries(members).map(([key, value]) => [
          key,
          key.endsWith('/run.json') ? { ...extra, ...(value as object) } : value,
        ]),
      );
      assert.deepEqual(acceptedText(stateText(extended)).containers, acceptedText(stateText(members)).containers);
    }),
  );
});

test('hostile states take no longer than they are long', { timeout: 20_000 }, () => {
  const many = 30_000;
  const list = (make: (index: number) => string): string =>
    Array.from({ length: many }, (_, index) => make(index)).join(',');
  const spec = '"#spec":"pantavisor-service-system@1"';
  const texts = [
    `{${spec},"groups.json":[${list((index) => `{"name":"g${index}"}`)}],${list((index) => `"c${index}/run.json":{"name":"c${index}","group":"g${index}","type":"lxc","config":"c"}`)}}`,
    `{${spec},"disks.json":[${list((index) => `{"name":"d${index}","type":"dual","aliases":["a${index}"],"disks":["d${index + 1}"]}`)}]}`,
    `{${spec},"a/run.json":{"name":"a","type":"lxc","config":"c","volumes":[${list((index) => `"v${index}.data"`)}],"storage":{${list((index) => `"s${index}":{"persistence":"boot","disk":"x"}`)}}}}`,
    `{${spec},"${'a/'.repeat(500_000)}b":"x","${'../'.repeat(100_000)}":1}`,
    `{${spec},${list((index) => `"k":${index}`)}}`,
    `{${spec},${list((index) => `"m${index}/services.json":[{"name":"s${index}"}]`)}}`,
    `{${spec},"bsp/run.json":{${list((index) => `"modules_${index}":"../x"`)}}}`,
    '{"a":'.repeat(300_000),
    `{${spec},"x.json":"${'\\u0041'.repeat(200_000)}"}`,
    '"'.repeat(200_000),
    '\u0001'.repeat(200_000),
  ];
  for (const initMode of ['appengine', 'embedded'] as const) {
    for (const text of texts) parseState(text, { initMode });
  }
});
