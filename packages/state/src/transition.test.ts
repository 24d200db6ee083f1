import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { diffStates } from './diff.ts';
import { accepted, acceptedText, objectId, run, stateText } from './testing/states.ts';
import { planTransition } from './transition.ts';

const [a, b] = [objectId('a'), objectId('b')];

/** Two containers that restart alone, one that takes the system along, files of the device. */
const base = {
  'bsp/kernel.img': a,
  'web/run.json': run('web', { group: 'app' }),
  'web/lxc.container.conf': a,
  'web/src.json': { n: 1 },
  '_config/web/etc/x': a,
  'db/run.json': run('db', { group: 'app' }),
  'db/lxc.container.conf': a,
  'os/run.json': run('os', { group: 'root' }),
  'os/lxc.container.conf': a,
  '_sigs/web.json': { '#spec': 'pvs@2' },
};

function without(...keys: string[]): object {
  return Object.fromEntries(Object.entries(base).filter(([key]) => !keys.includes(key)));
}

const plan = (next: object) => planTransition(accepted(base), accepted(next));

interface Case {
  name: string;
  next: object;
  kind: 'none' | 'non-reboot' | 'reboot';
  restart?: string[];
  start?: string[];
  remove?: string[];
  rules?: string[];
}

const cases: Case[] = [
  { name: 'the same state', next: base, kind: 'none' },
  {
    name: 'files for tools',
    next: { ...base, 'web/src.json': { n: 2 }, 'db/build.json': {}, '_sigs/db.json': {} },
    kind: 'none',
  },
  { name: 'another order of keys', next: Object.fromEntries(Object.entries(base).reverse()), kind: 'none' },
  { name: 'a file of the device', next: { ...base, 'bsp/kernel.img': b }, kind: 'reboot', rules: ['device-file'] },
  { name: 'a new file of the device', next: { ...base, 'README.md': b }, kind: 'reboot', rules: ['device-file'] },
  { name: 'a removed file of the device', next: without('bsp/kernel.img'), kind: 'reboot', rules: ['device-file'] },
  {
    name: 'a file of a container',
    next: { ...base, 'web/lxc.container.conf': b },
    kind: 'non-reboot',
    restart: ['web'],
    rules: ['container-file'],
  },
  {
    name: 'configuration of a container',
    next: { ...base, '_config/web/etc/x': b },
    kind: 'non-reboot',
    restart: ['web'],
    rules: ['container-file'],
  },
  { name: 'configuration of nobody', next: { ...base, '_config/none/x': b }, kind: 'reboot', rules: ['device-file'] },
  {
    name: 'a file of the root container',
    next: { ...base, 'os/lxc.container.conf': b },
    kind: 'reboot',
    restart: ['os'],
    rules: ['system-container'],
  },
  {
    name: 'a new container',
    next: { ...base, 'new/run.json': run('new', { group: 'app' }), 'new/lxc.container.conf': a },
    kind: 'non-reboot',
    start: ['new'],
    rules: ['container-file', 'container-file'],
  },
  {
    name: 'a new container that takes the system along',
    next: { ...base, 'new/run.json': run('new'), 'new/lxc.container.conf': a },
    kind: 'reboot',
    start: ['new'],
    rules: ['system-container', 'system-container'],
  },
  {
    name: 'a removed container',
    next: without('db/run.json', 'db/lxc.container.conf'),
    kind: 'non-reboot',
    remove: ['db'],
    rules: ['container-file', 'container-file'],
  },
  {
    name: 'a removed container whose file stays and now belongs to nobody',
    next: without('db/run.json'),
    kind: 'reboot',
    remove: ['db'],
    rules: ['device-file', 'container-file'],
  },
  {
    name: 'a container that changes its policy to system',
    next: { ...base, 'web/run.json': run('web', { group: 'app', restart_policy: 'system' }) },
    kind: 'reboot',
    restart: ['web'],
    rules: ['system-container'],
  },
  {
    name: 'JSON that becomes an object',
    next: { ...base, 'web/extra.json': a },
    kind: 'non-reboot',
    restart: ['web'],
    rules: ['container-file'],
  },
];

for (const { name, next, kind, restart = [], start = [], remove = [], rules = [] } of cases) {
  test(`${name}: ${kind}`, () => {
    const found = plan(next);
    assert.deepEqual(
      { kind: found.kind, restart: found.restart, start: found.start, remove: found.remove },
      { kind, restart, start, remove },
    );
    assert.deepEqual(
      found.reasons.map(({ rule }) => rule),
      rules,
    );
  });
}

test('reasons name the file, the owner and what happened', () => {
  assert.deepEqual(plan({ ...base, 'bsp/kernel.img': b }).reasons, [
    {
      path: 'bsp/kernel.img',
      rule: 'device-file',
      message: 'reboot because bsp/kernel.img changed and belongs to no container',
    },
  ]);
  assert.deepEqual(plan({ ...base, 'web/lxc.container.conf': b }).reasons, [
    {
      path: 'web/lxc.container.conf',
      owner: 'web',
      rule: 'container-file',
      message: 'the container web is affected because web/lxc.container.conf changed',
    },
  ]);
});

test('a null that pvr leaves out of a manifest asks for nothing; in a file of a container it is content', () => {
  const factory = {
    ...base,
    'os/run.json': run('os', { group: 'root', drivers: null }),
    'web/more.json': { n: [1, null] },
  };
  assert.equal(planTransition(accepted(factory), accepted({ ...base, 'web/more.json': { n: [1] } })).kind, 'none');
  const [nulls, pruned] = [{ a: null }, {}].map((file) => accepted({ ...base, '_config/web/etc/x.json': file }));
  assert.ok(nulls && pruned);
  assert.deepEqual(planTransition(nulls, pruned).restart, ['web']);
  assert.equal(planTransition(nulls, pruned).kind, 'non-reboot');
});

test('a state that is only written in another way asks for nothing', () => {
  const text = stateText({ ...base, 'web/run.json': run('web', { group: 'app', note: 'é' }) });
  const rewritten = JSON.stringify(JSON.parse(text), undefined, 4).replaceAll('é', '\\u00e9');
  assert.notEqual(rewritten, text);
  assert.deepEqual(planTransition(acceptedText(text), acceptedText(rewritten)).reasons, []);
  assert.equal(planTransition(acceptedText(text), acceptedText(rewritten)).kind, 'none');
});

test('a file that turns from JSON into an object is one change', () => {
  const json = accepted({ ...base, 'web/x.json': { a: 1 } });
  const object = accepted({ ...base, 'web/x.json': a });
  assert.deepEqual(diffStates(json, object).keys, [
    { path: 'web/x.json', change: 'changed', ownerBefore: 'web', ownerAfter: 'web' },
  ]);
  assert.deepEqual(diffStates(object, json).keys.length, 1);
});

/** Any subset of the keys of the base state, with some contents changed. */
const variant = fc
  .record(Object.fromEntries(Object.keys(base).map((key) => [key, fc.constantFrom('same', 'other', 'gone')])))
  .map((choices) =>
    Object.fromEntries(
      Object.entries(base).flatMap(([key, value]) => {
        const choice = choices[key];
        if (choice === 'gone') return [];
        const other = key.endsWith('.json') ? { ...(value as object), comment: 1 } : b;
        return [[key, choice === 'same' ? value : other]];
      }),
    ),
  );

test('a plan is complete, and fits the way back', () => {
  fc.assert(
    fc.property(variant, variant, (one, two) => {
      const [from, to] = [accepted(one), accepted(two)];
      const there = planTransition(from, to);
      const back = planTransition(to, from);
      assert.equal(there.kind === 'none', diffStates(from, to).keys.length === 0);
      assert.equal(there.kind === 'none', back.kind === 'none');
      assert.deepEqual(there.start.toSorted(), back.remove.toSorted());
      assert.deepEqual(there.restart.toSorted(), back.restart.toSorted());
      const names = (state: typeof from): string[] => state.containers.map(({ name }) => name).toSorted();
      const kept = names(from).filter((name) => !there.remove.includes(name));
      assert.deepEqual([...kept, ...there.start].toSorted(), names(to));
      assert.equal(
        there.kind === 'reboot',
        there.reasons.some(({ rule }) => rule !== 'container-file'),
      );
    }),
    { numRuns: 200 },
  );
});

test('without a reboot, whatever no container of the plan owns is the same on both sides', () => {
  fc.assert(
    fc.property(variant, variant, (one, two) => {
      const [from, to] = [accepted(one), accepted(two)];
      const { kind, restart, start, remove } = planTransition(from, to);
      if (kind === 'reboot') return;
      const moved = new Set([...restart, ...start, ...remove]);
      const rest = (state: typeof from) =>
        Object.fromEntries(
          state.objects
            .filter(({ owner }) => owner === undefined || !moved.has(owner))
            .map(({ path, id }) => [path, id]),
        );
      assert.deepEqual(rest(from), rest(to));
    }),
    { numRuns: 200 },
  );
});
