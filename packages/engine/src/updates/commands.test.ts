import assert from 'node:assert/strict';
import { test } from 'node:test';
import { admissionTable, admitCommand, type CommandContext, type CommandOp, commandOps, parseOp } from './commands.ts';
import { createAttempt, createUpdateModel, type UpdateModel } from './model.ts';

const context: CommandContext = { remote: true, remoteAllowed: true, claimed: true, debugShell: true };
const idle: UpdateModel = {
  ...createUpdateModel(),
  environment: { running: '1', committed: '1' },
};
const busy: UpdateModel = { ...idle, attempt: createAttempt('2', 'local-run') };

const refusal = (op: CommandOp, patch: Partial<CommandContext> = {}, model = idle, payload = '2') => {
  const verdict = admitCommand({ op, payload, model, context: { ...context, ...patch }, progress: undefined });
  return verdict.ok ? 'ok' : verdict.code;
};

test('an idle device takes every op that its modes allow', () => {
  const accepted = commandOps.filter((op) => refusal(op) === 'ok');
  assert.deepEqual(
    commandOps.filter((op) => !accepted.includes(op)),
    ['MAKE_FACTORY', 'GO_REMOTE'],
  );
});

test('an update in hand refuses what would disturb it, and nothing else', () => {
  const refused = commandOps.filter((op) => refusal(op, {}, busy) === 'update-ongoing');
  assert.deepEqual(refused, [
    'REBOOT_DEVICE',
    'POWEROFF_DEVICE',
    'TRY_ONCE',
    'LOCAL_RUN',
    'MAKE_FACTORY',
    'LOCAL_RUN_COMMIT',
    'LOCAL_APPLY',
    'UNCLAIM',
  ]);
});

for (const [code, op, patch] of [
  ['local-mode', 'UPDATE_METADATA', { remote: false }],
  ['already-claimed', 'MAKE_FACTORY', {}],
  ['remote-disabled', 'GO_REMOTE', { remoteAllowed: false, remote: false }],
  ['no-debug-shell', 'DEFER_REBOOT', { debugShell: false }],
  ['already-remote', 'GO_REMOTE', {}],
  ['already-unclaimed', 'UNCLAIM', { claimed: false }],
] as const)
  test(`${op} is refused as ${code}`, () => assert.equal(refusal(op, patch), code));

test('a refusal carries status, text and when to try again', () => {
  assert.deepEqual(admitCommand({ op: 'LOCAL_RUN', payload: '2', model: busy, context, progress: undefined }), {
    ok: false,
    code: 'update-ongoing',
    status: 503,
    text: 'Cannot do this operation while update is ongoing',
    retryAfter: 600,
  });
});

test('payloads that say nothing are malformed', () => {
  assert.equal(refusal('LOCAL_RUN', {}, idle, ''), 'payload-missing');
  assert.equal(refusal('DEFER_REBOOT', {}, idle, 'soon'), 'payload-missing');
  assert.equal(refusal('RUN_GC', {}, idle, ''), 'ok');
});

test('before the start has been put in order, and while another command is carried out, the slot is taken', () => {
  assert.equal(refusal('RUN_GC', {}, createUpdateModel()), 'command-pending');
  assert.equal(refusal('RUN_GC', {}, { ...idle, command: 7 }), 'command-pending');
  const held: UpdateModel = {
    ...idle,
    restart: { purpose: 'reboot', reason: { code: 'command', message: 'reboot' }, begun: false },
  };
  assert.equal(refusal('RUN_GC', {}, held), 'command-pending');
  assert.equal(refusal('DEFER_REBOOT', {}, held), 'ok');
});

test('ops are known by their whole names', () => {
  assert.equal(parseOp('REBOOT_DEVICE'), 'REBOOT_DEVICE');
  for (const text of ['REBOOT', '', 'reboot_device', 'toString']) assert.equal(parseOp(text), undefined);
});

test('every rule has its own code', () => {
  assert.equal(new Set(admissionTable.map(({ code }) => code)).size, admissionTable.length);
});
