import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { archiveOf, limitsOf, maximumSize, nextArchiveNumber, planCleanUp } from './space.ts';

const disk = { total: 1_000_000, type: 'ext4' };

test('the size is a number with a unit, a share, or found out', () => {
  for (const [value, size] of [
    ['0', 100_000],
    ['', 100_000],
    ['0100M', 100_000],
    ['25%', 250_000],
    ['100%', 1_000_000],
    ['4096', 4096],
    ['512B', 512],
    ['2K', 2048],
    ['2KB', 2000],
    ['1000KB', 1_000_000],
  ] as const)
    assert.deepEqual(maximumSize(value, disk), { size }, value);
  assert.equal(maximumSize('0', { total: 64, type: 'tmpfs' }).size, 64);
});

test('a size that cannot be used is told, and the automatic one stands in', () => {
  for (const value of ['101%', '1M', '12Q', 'x', '-1', '1.5M', '2k']) {
    const { size, problem } = maximumSize(value, disk);
    assert.equal(size, 100_000, value);
    assert.match(problem ?? '', /^cannot use "/, value);
  }
});

test('limits follow from the size', () => {
  assert.deepEqual(limitsOf(1000, 4, 5), { total: 1000, high: 900, low: 750, rotate: 50 });
  assert.deepEqual(limitsOf(1000, 0, -3), { total: 1000, high: 900, low: 0, rotate: 1000 });
});

test('archives are numbered on', () => {
  assert.equal(nextArchiveNumber('a.log', []), 1);
  assert.equal(nextArchiveNumber('a.log', ['a.log', 'a.log.9.gz', 'a.log.10', 'b.log.70.gz', 'a.log.x']), 11);
});

test('a clean-up takes the oldest of the fullest first, and never a log that is written', () => {
  const stored = [
    { path: '/a/x', size: 500 },
    { path: '/a/x.1.gz', size: 10 },
    { path: '/a/x.2.gz', size: 10 },
    { path: '/b/y.1.gz', size: 100 },
  ];
  assert.deepEqual(planCleanUp(stored, 605), ['/a/x.1.gz', '/a/x.2.gz']);
  assert.deepEqual(planCleanUp(stored, 0), ['/a/x.1.gz', '/a/x.2.gz', '/b/y.1.gz']);
  const files = fc.array(
    fc.record({
      path: fc.stringMatching(/^\/[ab]\/[xy](\.[1-9](\.gz)?)?$/),
      size: fc.nat(1000),
    }),
  );
  fc.assert(
    fc.property(
      fc.uniqueArray(
        files.map((list) => list[0] ?? { path: '/a/x', size: 1 }),
        { selector: ({ path }) => path },
      ),
      fc.nat(5000),
      (all, low) => {
        const plan = planCleanUp(all, low);
        assert.equal(new Set(plan).size, plan.length);
        assert.ok(plan.every((path) => archiveOf(path) !== undefined));
        const left = all.filter(({ path }) => !plan.includes(path));
        const size = left.reduce((sum, file) => sum + file.size, 0);
        assert.ok(size <= low || left.every(({ path }) => archiveOf(path) === undefined));
      },
    ),
  );
});
