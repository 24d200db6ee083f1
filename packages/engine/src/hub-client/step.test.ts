import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHubClient, type HubClientModel } from './model.ts';
import type { HubEffect, HubEventBody, HubOutcome, HubReport } from './protocol.ts';
import { stepHubClient } from './step.ts';
import { waitingLimits, waitMs } from './waiting.ts';

const settings = { pollMs: 5000, tolerated: 0 };
const reason = { code: 'test', message: 'no' };
const unreachable: HubOutcome = { kind: 'unreachable', reason };

/** A client with a person who answers. */
class Client {
  model: HubClientModel = createHubClient();
  effects: HubEffect[] = [];

  send(event: HubEventBody): HubEffect[] {
    const { model, effects } = stepHubClient(this.model, { ...event, random: 0.5 });
    this.model = model;
    this.effects.push(...effects);
    return effects;
  }

  answer(outcome: HubOutcome): HubEffect[] {
    assert.ok(this.model.asking, 'something was asked');
    return this.send({ type: 'answered', id: this.model.asking.id, outcome });
  }

  reported(outcome: HubOutcome): HubEffect[] {
    assert.ok(this.model.reporting !== undefined, 'something was reported');
    return this.send({ type: 'reported', id: this.model.reporting, outcome });
  }

  /** Fires the timer for the next question, report or stream. */
  fire(purpose: 'ask' | 'report' | 'listen'): HubEffect[] {
    const timer = this.model.timers[purpose];
    assert.ok(timer, `${purpose} waits`);
    return this.send({ type: 'timer', timer });
  }

  static online(): Client {
    const client = new Client();
    client.send({ type: 'start', settings, registered: true, claimed: true, remote: true });
    client.answer({ kind: 'ok' });
    client.answer({ kind: 'yes' });
    client.answer({ kind: 'ok' });
    client.effects = [];
    return client;
  }
}

const asked = (effects: HubEffect[]) => effects.flatMap((effect) => (effect.type === 'ask' ? [effect.request] : []));
const modes = (effects: HubEffect[]) => effects.flatMap((effect) => (effect.type === 'mode' ? [effect.mode] : []));
const report = (status: string, revision = '3', more = ''): HubReport => ({
  revision,
  status,
  body: `{"status":"${status}"${more}}`,
});

test('a new device registers, waits for its owner, uploads its factory revision, and asks for steps', () => {
  const client = new Client();
  client.send({ type: 'start', settings, registered: false, claimed: false, remote: true });
  client.answer({ kind: 'ok' });
  client.answer({ kind: 'no' });
  client.fire('ask');
  client.answer({ kind: 'yes' });
  client.answer({ kind: 'ok' });
  client.answer({ kind: 'no' });
  client.answer({ kind: 'ok' });
  client.answer({ kind: 'yes' });
  assert.equal(client.model.state, 'idle');
  assert.deepEqual(asked(client.effects), [
    'register',
    'ask-owner',
    'ask-owner',
    'login',
    'ask-trail',
    'upload-factory',
    'ask-trail',
    'poll-steps',
  ]);
  assert.deepEqual(modes(client.effects), ['unclaimed', 'offline', 'online']);
  assert.ok(client.effects.some(({ type }) => type === 'claimed'));
});

test('a Hub that is down never makes a device register again; only refused credentials of an unclaimed one do', () => {
  const client = new Client();
  client.send({ type: 'start', settings, registered: true, claimed: false, remote: true });
  for (const outcome of [unreachable, { kind: 'busy', reason } as const, { kind: 'refused', reason } as const]) {
    client.answer(outcome);
    assert.equal(client.model.state, 'claim');
    client.fire('ask');
  }
  client.answer({ kind: 'credentials-refused', reason });
  assert.equal(client.model.state, 'register');
  assert.equal(client.model.asking, undefined, 'not at once');
  assert.ok(client.effects.some(({ type }) => type === 'forget'));

  const owned = Client.online();
  owned.fire('ask');
  owned.answer({ kind: 'credentials-refused', reason });
  assert.equal(owned.model.state, 'login');
  owned.fire('ask');
  owned.answer({ kind: 'credentials-refused', reason });
  assert.equal(owned.model.state, 'login');
});

test('reports are sent one at a time and in order, and survive a time without the Hub', () => {
  const client = Client.online();
  for (const status of ['QUEUED', 'DOWNLOADING', 'INPROGRESS'])
    client.send({ type: 'progress', report: report(status) });
  client.reported(unreachable);
  client.fire('report');
  client.reported({ kind: 'busy', reason, retryAfterMs: 60_000 });
  client.send({ type: 'progress', report: report('DONE') });
  client.fire('report');
  client.reported({ kind: 'ok' });
  client.reported({ kind: 'refused', reason });
  client.reported({ kind: 'ok' });
  client.reported({ kind: 'ok' });
  const sent = client.effects.flatMap((effect) => (effect.type === 'report' ? [effect.report.status] : []));
  assert.deepEqual(sent, ['QUEUED', 'QUEUED', 'QUEUED', 'DOWNLOADING', 'INPROGRESS', 'DONE']);
  assert.deepEqual(client.model.outbox, []);
});

test('a reboot is asked to wait for reports as long as they can be sent', () => {
  const client = Client.online();
  const pending = (effects: HubEffect[]) =>
    effects.flatMap((effect) => (effect.type === 'pending' ? [effect.waiting] : []));
  assert.deepEqual(pending(client.send({ type: 'progress', report: report('INPROGRESS') })), [true]);
  assert.deepEqual(pending(client.reported(unreachable)), [false]);
  assert.deepEqual(pending([...client.fire('report'), ...client.reported({ kind: 'ok' })]), []);
});

test('bytes of a download replace each other, and local revisions are nobody else’s business', () => {
  const client = Client.online();
  client.send({ type: 'progress', report: report('QUEUED') });
  for (const bytes of [1, 2, 3]) client.send({ type: 'progress', report: report('DOWNLOADING', '3', `,"b":${bytes}`) });
  client.send({ type: 'progress', report: report('DONE', 'locals/x') });
  assert.deepEqual(
    client.model.outbox.map(({ body }) => body),
    ['{"status":"QUEUED"}', '{"status":"DOWNLOADING","b":3}'],
  );
});

test('every answer says that the Hub is there, and then what waited for it goes out at once', () => {
  const client = Client.online();
  const stream = client.model.stream?.id ?? 0;
  client.send({ type: 'update', phase: 'installed' });
  client.send({ type: 'progress', report: report('TESTING') });
  client.reported(unreachable);
  assert.deepEqual(modes(client.effects), ['offline']);
  client.send({ type: 'listen-ended', id: stream, outcome: unreachable });
  client.fire('ask');
  assert.deepEqual(
    client.answer({ kind: 'busy', reason }).flatMap(({ type }) => (type === 'arm' || type === 'cancel' ? [] : [type])),
    ['report', 'listen', 'mode', 'pending'],
  );
  client.reported({ kind: 'busy', reason, retryAfterMs: 60_000 });
  client.fire('ask');
  assert.ok(!client.answer({ kind: 'ok' }).some(({ type }) => type === 'report'), 'but not before the Hub wants it');
});

test('while a revision is on trial a Hub that is back is noticed soon, however long it was away', () => {
  const client = Client.online();
  client.send({ type: 'update', phase: 'installed' });
  const longest = () => Math.max(...waits(client.effects, 'ask'));
  for (let count = 0; count < 20; count += 1) {
    client.fire('ask');
    client.answer(unreachable);
  }
  assert.ok(longest() <= 20_000, `${longest()} ms`);
  client.send({ type: 'listening', id: client.model.stream?.id ?? 0 });
  assert.deepEqual(modes(client.effects), ['offline', 'online'], 'an open stream is an answer as well');
  client.send({ type: 'update', phase: 'none' });
  for (let count = 0; count < 20; count += 1) {
    client.answer(unreachable);
    client.fire('ask');
  }
  assert.ok(longest() > 200_000);
});

test('steps are offered in idle only, and a nudge asks at once', () => {
  const client = Client.online();
  const step = { revision: '1', state: '{}', progress: '{}', commitMessage: '' };
  client.send({ type: 'nudge' });
  assert.ok(client.answer({ kind: 'step', step }).some(({ type }) => type === 'offer'));
  client.send({ type: 'update', phase: 'metadata' });
  assert.deepEqual(asked(client.send({ type: 'nudge' })), []);
  assert.deepEqual(asked(client.send({ type: 'update', phase: 'none' })), ['poll-steps']);
});

test('local mode stops everything, GO_REMOTE begins again, UNCLAIM begins from nothing', () => {
  const client = Client.online();
  assert.deepEqual(modes(client.send({ type: 'remote', on: false })), ['off']);
  assert.deepEqual(client.model.timers, {});
  client.send({ type: 'remote', on: true });
  assert.equal(client.model.state, 'login');
  client.send({ type: 'progress', report: report('QUEUED') });
  client.send({ type: 'unclaimed' });
  assert.equal(client.model.state, 'register');
  assert.deepEqual(client.model.outbox, []);
});

test('waits are spread, grow with failures up to a limit, and never fall below the hint of the Hub', () => {
  assert.equal(waitMs(5000, 0, 0), 4500);
  assert.equal(waitMs(5000, 0, 1), 5500);
  assert.equal(waitMs(5000, 1, 1), 10_000);
  assert.equal(waitMs(5000, 30, 1), waitingLimits.longestMs);
  assert.ok(waitMs(5000, 1, 0, 60_000) >= 60_000);
});

const waits = (effects: HubEffect[], timer: string) =>
  effects.flatMap((effect) => (effect.type === 'arm' && effect.timer.startsWith(timer) ? [effect.ms] : []));

test('a Hub that tells what is new is asked rarely, one that stops telling as often as before', () => {
  const client = Client.online();
  const id = client.model.stream?.id ?? 0;
  assert.deepEqual(asked(client.send({ type: 'listening', id })), ['poll-steps'], 'once more: it may have come before');
  assert.deepEqual(waits(client.answer({ kind: 'ok' }), 'ask'), [waitingLimits.listeningMs]);
  assert.deepEqual(asked(client.send({ type: 'nudge' })), ['poll-steps']);
  client.answer({ kind: 'ok' });
  const lost = client.send({ type: 'listen-ended', id, outcome: unreachable });
  assert.deepEqual([waits(lost, 'ask'), waits(lost, 'listen')], [[settings.pollMs], [7500]]);
  assert.deepEqual(client.send({ type: 'listen-ended', id, outcome: unreachable }), [], 'only once');
  assert.ok(client.fire('listen').some(({ type }) => type === 'listen'));
  client.send({ type: 'update', phase: 'installed' });
  client.send({ type: 'listening', id: client.model.stream?.id ?? 0 });
  client.fire('ask');
  assert.deepEqual(waits(client.answer({ kind: 'ok' }), 'ask'), [settings.pollMs], 'on trial the Hub is watched');
});

test('a Hub that knows nothing of streams is not bothered with them, and local mode has none', () => {
  const client = Client.online();
  const id = client.model.stream?.id ?? 0;
  const refused = client.send({ type: 'listen-ended', id, outcome: { kind: 'refused', reason } });
  assert.deepEqual(waits(refused, 'listen'), [waitingLimits.unknownMs]);
  client.fire('listen');
  assert.deepEqual(
    client.send({ type: 'remote', on: false }).filter(({ type }) => type === 'unlisten'),
    [{ type: 'unlisten' }],
  );
});

test('so many unanswered requests in a row are borne as the configuration says, and an answer forgives them', () => {
  const client = Client.online();
  client.send({ type: 'settings', settings: { ...settings, tolerated: 2 } });
  const told = () => modes(client.answer(unreachable));
  const again = () => client.fire('ask');
  for (let count = 0; count < 2; count += 1) {
    again();
    assert.deepEqual(told(), []);
  }
  again();
  client.answer({ kind: 'ok' });
  for (const expected of [[], [], ['offline'], []]) {
    again();
    assert.deepEqual(told(), expected);
  }
  again();
  assert.deepEqual(modes(client.answer({ kind: 'ok' })), ['online']);
});
