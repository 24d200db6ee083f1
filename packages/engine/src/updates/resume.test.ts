import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Journal, journalStages, journalText, parseJournal, revisionsToRead, revisionToRun } from './journal.ts';
import { isFailed, type Progress, type ProgressStatus, progressNumbers } from './progress.ts';
import { updateKinds } from './protocol.ts';
import { decideResume, type ResumeFacts, type ResumeVerdict, resumeTable } from './resume.ts';

const of = (status: ProgressStatus): Progress => ({ status, message: null, retries: 0 });
const journal = (patch: Partial<Journal>): Journal => ({
  revision: '5',
  kind: 'local-run',
  stage: 'trying',
  mode: 'reboot',
  bootId: 'a',
  retries: 0,
  ...patch,
});

const facts = (
  boot: { running: string; committed?: string; tried?: string; bootId?: string },
  progress: Record<string, Progress> = {},
  written?: Journal,
): ResumeFacts => ({ environment: { committed: '1', bootId: 'b', ...boot }, progress, journal: written });

/** The table of the original, without journal: updates.md §5.1. */
const original: [string, ResumeFacts, ResumeVerdict][] = [
  ['no try mark, not revision 0', facts({ running: '1' }), 'nothing'],
  ['trying, stored as failed', facts({ running: '5', tried: '5' }, { 5: of('ERROR') }), 'abort-trial'],
  ['rolled back, stored as failed', facts({ running: '1', tried: '5' }, { 5: of('WONTGO') }), 'rolled-back'],
  ['rolled back, stored as DONE', facts({ running: '1', tried: '5' }, { 5: of('DONE') }), 'rolled-back'],
  ['rolled back, nothing final', facts({ running: '1', tried: '5' }, { 5: of('TESTING') }), 'unexpected-rollback'],
  ['rolled back, nothing stored', facts({ running: '1', tried: '5' }), 'unexpected-rollback'],
  ['trying, nothing final', facts({ running: '5', tried: '5' }, { 5: of('INPROGRESS') }), 'begin-trial'],
  ['trying, UPDATED: tested again', facts({ running: '5', tried: '5' }, { 5: of('UPDATED') }), 'begin-trial'],
  ['factory, first boot', facts({ running: '0', committed: '0' }), 'factory-boot'],
  ['factory, DONE', facts({ running: '0', committed: '0' }, { 0: of('DONE') }), 'nothing'],
  ['rolled back to the factory revision', facts({ running: '0', committed: '0', tried: '5' }), 'unexpected-rollback'],
  ['state of another revision missing', facts({ running: '1' }, { 4: of('INPROGRESS') }), 'nothing'],
];
for (const [name, given, verdict] of original)
  test(`resume: ${name}: ${verdict}`, () => assert.equal(decideResume(given).verdict, verdict));

/** What the journal adds. */
const journaled: [string, ResumeFacts, ResumeVerdict][] = [
  ['installation interrupted', facts({ running: '1' }, {}, journal({ stage: 'installing' })), 'go-on-installing'],
  [
    'only the runtime restarted before the reboot',
    facts({ running: '1', tried: '5', bootId: 'a' }, {}, journal({ stage: 'installing' })),
    'go-on-installing',
  ],
  [
    'booted twice into the same trial',
    facts({ running: '5', tried: '5' }, { 5: of('TESTING') }, journal({})),
    'second-boot',
  ],
  [
    'only the runtime restarted in the trial',
    facts({ running: '5', tried: '5', bootId: 'a' }, { 5: of('TESTING') }, journal({})),
    'continue-trial',
  ],
  [
    'power lost in a trial in place: the boot is the first one',
    facts({ running: '5', tried: '5' }, { 5: of('TESTING') }, journal({ mode: 'in-place' })),
    'begin-trial',
  ],
  [
    'commit interrupted behind the boot environment',
    facts({ running: '5', committed: '5' }, { 5: of('TESTING') }, journal({})),
    'finish-commit',
  ],
  ['try-once that ended', facts({ running: '1' }, { 5: of('UPDATED') }, journal({ kind: 'try-once' })), 'drop-journal'],
  [
    'try-once that went down',
    facts({ running: '1' }, { 5: of('TESTING') }, journal({ kind: 'try-once' })),
    'unexpected-rollback',
  ],
  ['the rollback point once more', facts({ running: '1', tried: '1' }, { 1: of('UPDATED') }), 'finish-commit'],
  [
    'staged, runtime restarted',
    facts({ running: '1', tried: '5', bootId: 'a' }, {}, journal({ stage: 'staged' })),
    'keep-staged',
  ],
  ['staged, rebooted', facts({ running: '5', tried: '5' }, {}, journal({ stage: 'staged' })), 'begin-trial'],
  [
    'updated in this boot',
    facts({ running: '5', tried: '5', bootId: 'a' }, { 5: of('UPDATED') }, journal({ stage: 'updated' })),
    'nothing',
  ],
  [
    'updated in an earlier boot',
    facts({ running: '1' }, { 5: of('UPDATED') }, journal({ stage: 'updated' })),
    'drop-journal',
  ],
];
for (const [name, given, verdict] of journaled)
  test(`resume: ${name}: ${verdict}`, () => assert.equal(decideResume(given).verdict, verdict));

const anyName = fc.constantFrom('0', '1', '5', 'locals/a');
const anyEntry = fc.record(
  {
    revision: anyName,
    kind: fc.constantFrom(...updateKinds),
    stage: fc.constantFrom(...journalStages),
    mode: fc.constantFrom('reboot' as const, 'in-place' as const),
    bootId: fc.constantFrom('a', 'b'),
    retries: fc.nat(5),
  },
  { noNullPrototype: true },
);
const anyJournal: fc.Arbitrary<Journal> = fc
  .tuple(anyEntry, fc.option(anyEntry))
  .map(([entry, base]) => (base === null ? entry : { ...entry, base }));
const anyFacts: fc.Arbitrary<ResumeFacts> = fc
  .record({
    running: anyName,
    committed: anyName,
    tried: fc.option(anyName),
    written: fc.option(anyJournal),
    progress: fc.dictionary(anyName, fc.constantFrom(...(Object.keys(progressNumbers) as ProgressStatus[])).map(of), {
      noNullPrototype: true,
    }),
  })
  .map(({ running, committed, tried, written, progress }) => ({
    environment: { running, committed, bootId: 'b', ...(tried === null ? {} : { tried }) },
    journal: written ?? undefined,
    progress,
  }));

test('property: no revision that is stored as failed is run, unless it is the rollback point', () => {
  const runs: ResumeVerdict[] = [
    'begin-trial',
    'continue-trial',
    'nothing',
    'drop-journal',
    'go-on-installing',
    'rolled-back',
  ];
  fc.assert(
    fc.property(anyFacts, (given) => {
      const { running, committed } = given.environment;
      if (running === committed || !isFailed(given.progress[running])) return;
      assert.ok(!runs.includes(decideResume(given).verdict));
    }),
    { numRuns: 2000 },
  );
});

test('property: only what was being tried, or is the rollback point, is called DONE; only what did not end is called ERROR', () => {
  fc.assert(
    fc.property(anyFacts, (given) => {
      const { verdict, revision } = decideResume(given);
      const { committed } = given.environment;
      if (verdict === 'finish-commit' || verdict === 'factory-boot') assert.equal(revision, committed);
      if (verdict === 'unexpected-rollback' || verdict === 'second-boot')
        assert.ok(!isFailed(given.progress[revision]));
    }),
    { numRuns: 2000 },
  );
});

test('every row of the table decides something', () => {
  const reached = new Set<unknown>();
  for (const given of fc.sample(anyFacts, { numRuns: 20_000, seed: 1 })) {
    const { environment, journal: written, progress } = given;
    const { running, committed, tried } = environment;
    reached.add(
      resumeTable.find((row) =>
        row.when({
          running,
          committed,
          tried,
          journal: written,
          sameBoot: written?.bootId === 'b',
          of: (name) => (Object.hasOwn(progress, name) ? progress[name] : undefined),
        }),
      ),
    );
  }
  for (const row of resumeTable) assert.ok(reached.has(row), `${row.verdict}: ${row.rule}`);
});

test('property: the journal is read back as it was written', () => {
  fc.assert(fc.property(anyJournal, (value) => assert.deepEqual(parseJournal(journalText(value)), value)));
});

test('a journal that is none counts as absent', () => {
  for (const text of [
    '',
    '{}',
    'null',
    '{"version":2}',
    '{"version":1,"revision":"","kind":"remote","stage":"trying"}',
  ])
    assert.equal(parseJournal(text), undefined, text);
  const deep = `${'{"version":1,"revision":"a","kind":"remote","stage":"updated","base":'.repeat(5000)}1${'}'.repeat(5000)}`;
  assert.equal(parseJournal(deep)?.base?.base?.base, undefined);
});

test('after a mere restart the runtime runs what runs, after a reboot what was booted', () => {
  const installing = journal({ stage: 'installing', base: journal({ revision: '7', stage: 'updated' }) });
  assert.equal(revisionToRun('1', installing, 'a'), '7');
  assert.equal(revisionToRun('1', installing, 'b'), '1');
  assert.equal(revisionToRun('1', journal({}), 'a'), '5');
  assert.equal(revisionToRun('1', journal({ stage: 'staged' }), 'a'), '1');
  assert.equal(revisionToRun('1', undefined, 'a'), '1');
  assert.deepEqual(revisionsToRead('1', '5', installing), ['1', '5', '7']);
});
