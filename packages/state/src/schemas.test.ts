import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import type { ParseContext } from './model.ts';
import { formatProblem } from './report.ts';
import type { RuleCode } from './rules.ts';
import { parseState } from './state.ts';
import { objectId, run, stateText } from './testing/states.ts';
import { violations } from './testing/violations.ts';

const directory = new URL('../schemas/', import.meta.url);
const files = readdirSync(directory);
// Draft 2020-12 without the strictness that is ajv's own; `u` patterns as the standard demands.
const ajv = new Ajv2020({ strictRequired: false, strictTypes: false });
for (const file of files) ajv.addSchema(JSON.parse(readFileSync(new URL(file, directory), 'utf8')), file);

const a = objectId('a');
const embedded: ParseContext = { initMode: 'embedded' };

/** Where a file of each schema stands in a state. */
const places: Record<string, (file: unknown) => object> = {
  'bsp-drivers.json': (file) => ({ 'bsp/drivers.json': file }),
  'bsp-run.json': (file) => ({ 'bsp/run.json': file }),
  'container-run.json': (file) => ({
    [`${(file as { name?: string }).name}/run.json`]: file,
    'device.json': { groups: [{ name: 'data' }, { name: 'app' }] },
  }),
  'device.json': (file) => ({ 'device.json': file }),
  'disks.json': (file) => ({ 'disks.json': file }),
  'groups.json': (file) => ({ 'groups.json': file }),
  'services.json': (file) => ({ 'app/run.json': run('app'), 'app/lxc.container.conf': a, 'app/services.json': file }),
};

function errorsOf(schema: string, file: unknown): string[] {
  const text = stateText(places[schema]?.(file) ?? {});
  const errors = parseState(text, embedded).problems.filter(({ severity }) => severity === 'error');
  return errors.map(formatProblem);
}

test('every schema is a schema, and each has a place in a state', () => {
  assert.deepEqual(files.toSorted(), Object.keys(places).toSorted());
  for (const file of files) assert.equal(typeof ajv.getSchema(file), 'function');
});

for (const file of files) {
  test(`the examples of ${file} fit the schema and are accepted`, () => {
    const validate = ajv.getSchema(file);
    const schema = JSON.parse(readFileSync(new URL(file, directory), 'utf8'));
    assert.ok(validate && schema.examples.length > 0);
    for (const example of schema.examples) {
      assert.ok(validate(example), JSON.stringify(validate.errors));
      assert.deepEqual(errorsOf(file, example), []);
    }
  });
}

/** What people write wrongly in these files, and the schema that must say so. */
const refused: [rule: RuleCode, schema: string, key: string][] = [
  ['value-range', 'container-run.json', 'app/run.json'],
  ['value-quoted', 'container-run.json', 'app/run.json'],
  ['value-null', 'container-run.json', 'app/run.json'],
  ['type-mismatch', 'container-run.json', 'app/run.json'],
  ['file-name-invalid', 'container-run.json', 'app/run.json'],
  ['status-goal-unknown', 'container-run.json', 'app/run.json'],
  ['restart-policy-unknown', 'container-run.json', 'app/run.json'],
  ['container-not-object', 'container-run.json', 'app/run.json'],
  ['container-unnamed', 'container-run.json', 'app/run.json'],
  ['container-name', 'container-run.json', 'app/run.json'],
  ['container-name-reserved', 'container-run.json', 'app/run.json'],
  ['container-type-missing', 'container-run.json', 'app/run.json'],
  ['container-type-unsupported', 'container-run.json', 'app/run.json'],
  ['container-config-missing', 'container-run.json', 'app/run.json'],
  ['runlevel-unknown', 'container-run.json', 'app/run.json'],
  ['role-unknown', 'container-run.json', 'app/run.json'],
  ['volume-name', 'container-run.json', 'app/run.json'],
  ['storage-name', 'container-run.json', 'app/run.json'],
  ['storage-persistence-missing', 'container-run.json', 'app/run.json'],
  ['storage-persistence-unknown', 'container-run.json', 'app/run.json'],
  ['recovery-policy-unknown', 'container-run.json', 'app/run.json'],
  ['recovery-backoff-invalid', 'container-run.json', 'app/run.json'],
  ['network-invalid', 'container-run.json', 'app/run.json'],
  ['log-empty', 'container-run.json', 'app/run.json'],
  ['log-incomplete', 'container-run.json', 'app/run.json'],
  ['export-invalid', 'container-run.json', 'app/run.json'],
  ['service-invalid', 'container-run.json', 'app/run.json'],
  ['service-type-unknown', 'services.json', 'app/services.json'],
  ['services-unreadable', 'services.json', 'app/services.json'],
  ['services-spec', 'services.json', 'app/services.json'],
  ['bus-name-invalid', 'services.json', 'app/services.json'],
  ['groups-missing', 'device.json', 'device.json'],
  ['groups-empty', 'groups.json', 'groups.json'],
  ['group-name', 'groups.json', 'groups.json'],
  ['disks-empty', 'device.json', 'device.json'],
  ['disk-name', 'device.json', 'device.json'],
  ['disk-type-unknown', 'device.json', 'device.json'],
  ['disk-value-unknown', 'device.json', 'device.json'],
  ['disk-dual', 'device.json', 'device.json'],
  ['pool-invalid', 'device.json', 'device.json'],
  ['remount-invalid', 'device.json', 'device.json'],
  ['bsp-image-missing', 'bsp-run.json', 'bsp/run.json'],
  ['bsp-key-unsupported', 'bsp-run.json', 'bsp/run.json'],
  ['drivers-invalid', 'bsp-drivers.json', 'bsp/drivers.json'],
];
for (const [rule, schema, key] of refused) {
  test(`the schema of ${key} refuses what breaks the rule ${rule}`, () => {
    const file: unknown = JSON.parse(violations[rule].text)[key];
    assert.notEqual(file, undefined);
    assert.equal(ajv.validate(schema, file), false);
  });
}

const odd = fc.constantFrom<unknown>(
  null,
  '',
  0,
  -1,
  1.5,
  true,
  [],
  {},
  'x',
  '..',
  '../x',
  '/',
  'a:b.c',
  'x'.repeat(300),
  '\ud800',
  'a\u0000b',
);

/** The value itself, or with small changes anywhere in it. */
function mutated(value: unknown): fc.Arbitrary<unknown> {
  const changed = { arbitrary: odd, weight: 1 };
  if (Array.isArray(value)) {
    const items = fc.tuple(...value.map(mutated));
    return fc.oneof(
      changed,
      { arbitrary: items, weight: 15 },
      { arbitrary: items.map((all) => all.slice(1)), weight: 2 },
    );
  }
  if (value !== null && typeof value === 'object') {
    const members = fc.record(Object.fromEntries(Object.entries(value).map(([key, part]) => [key, mutated(part)])), {
      requiredKeys: [],
    });
    const renamed = fc
      .tuple(members, fc.constantFrom('..', '', 'a/../b', '/x/', 'é'), odd)
      .map(([all, key, extra]) => ({ ...all, [key]: extra }));
    return fc.oneof(changed, { arbitrary: members, weight: 15 }, { arbitrary: renamed, weight: 1 });
  }
  return fc.oneof(changed, { arbitrary: fc.constant(value), weight: 15 });
}

for (const file of files) {
  test(`whatever fits the schema ${file} is accepted by the parser`, () => {
    const validate = ajv.getSchema(file);
    const { examples } = JSON.parse(readFileSync(new URL(file, directory), 'utf8'));
    assert.ok(validate);
    let fitting = 0;
    fc.assert(
      fc.property(fc.oneof(...examples.map(mutated)), (value) => {
        if (!validate(value)) return;
        fitting += 1;
        // What only the rest of the state, or several entries together, can break is beyond a schema.
        const ignored = /\[(group-unknown|group-duplicate|disk-alias)\]$/;
        assert.deepEqual(
          errorsOf(file, value).filter((line) => !ignored.test(line)),
          [],
        );
      }),
      { numRuns: 1500 },
    );
    assert.ok(fitting >= 20, `only ${fitting} values fitted the schema`);
  });
}
