import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readState, writeState } from '../pvtx/state-text.ts';
import { compact, laidOut, membersOf, objectsOf, overviewOf, partNamed, partsOf, sourceText } from './parts.ts';

const id = 'a'.repeat(64);
const state = JSON.stringify({
  '#spec': 'pantavisor-service-system@1',
  '_config/web/etc/app.conf': id,
  '_sigs/web.json': {},
  'bsp/run.json': {},
  'device.json': {},
  'web/root.squashfs': id,
  'web/run.json': { storage: { '/var/lib': { persistence: 'permanent' } } },
  'web/src.json': { docker_name: 'nginx', docker_tag: 'latest', docker_digest: 'sha256:1', args: { PV_GROUP: 'app' } },
  'other/src.json': { pvr: 'http://192.168.1.20:12368/cgi-bin/pvr#other' },
});

test('parts with what they are and where they come from', () => {
  assert.deepEqual(
    partsOf(state).map(({ name, kind, isSigned, configFiles, source }) => [
      name,
      kind,
      isSigned,
      configFiles,
      sourceText(source),
    ]),
    [
      ['bsp', 'bsp', false, [], '-'],
      ['other', 'files', false, [], 'http://192.168.1.20:12368/cgi-bin/pvr#other'],
      ['web', 'container', true, ['/etc/app.conf'], 'docker nginx:latest'],
    ],
  );
  const web = partNamed(partsOf(state), 'web', 'it');
  assert.deepEqual(overviewOf(web, state).slice(0, 3), [
    ['Source (Docker)', ['Name: nginx:latest', 'Digest: sha256:1']],
    ['Storage', ['/var/lib: permanent']],
    ['Args', ['PV_GROUP: app']],
  ]);
  assert.throws(() => partNamed(partsOf(state), 'wep', 'it'), {
    message: 'cannot find the part wep in it',
    hint: 'did you mean web?',
  });
});

test('members of a part are its files, its configuration and its signature; their objects come once', () => {
  const members = membersOf(readState(state), 'web');
  assert.deepEqual(
    members.map(({ key }) => key),
    ['_config/web/etc/app.conf', '_sigs/web.json', 'web/root.squashfs', 'web/run.json', 'web/src.json'],
  );
  assert.deepEqual(objectsOf(members), [id]);
  assert.deepEqual(readState(writeState(members)), members);
});

test('JSON is laid out for people and comes back as it was, numbers that JavaScript cannot hold too', () => {
  assert.equal(laidOut('{"a":[1]}'), '{\n  "a": [\n    1\n  ]\n}\n');
  assert.equal(laidOut('{"a": 12345678901234567890}'), '{"a": 12345678901234567890}');
  fc.assert(
    fc.property(fc.json(), (text) => {
      assert.equal(compact(laidOut(text)), compact(text));
      assert.deepEqual(JSON.parse(compact(text)), JSON.parse(text));
    }),
  );
});
