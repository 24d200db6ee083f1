/** Any interleaving of answers, timers, losses and wishes: what must always hold of the client. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createHubClient, type HubClientModel } from './model.ts';
import { outboxLimit } from './outbox.ts';
import type { HubEffect, HubEventBody, HubOutcome } from './protocol.ts';
import { hubStateTable } from './states.ts';
import { stepHubClient } from './step.ts';

const settings = { pollMs: 5000, tolerated: 0 };
const reason = { code: 'test', message: 'no' };
const step = { revision: '1', state: '{}', progress: '{}', commitMessage: '' };
const outcomes: HubOutcome[] = [
  { kind: 'ok' },
  { kind: 'yes' },
  { kind: 'no' },
  { kind: 'step', step },
  { kind: 'credentials-refused', reason },
  { kind: 'refused', reason },
  { kind: 'busy', reason, retryAfterMs: 1000 },
  { kind: 'unreachable', reason },
];

type Action =
  | { do: 'answer' | 'report' | 'late'; outcome: HubOutcome }
  | { do: 'timer'; purpose: 'ask' | 'report' | 'listen' }
  | { do: 'listening' }
  | { do: 'listen-ended'; outcome: HubOutcome }
  | { do: 'send'; event: HubEventBody };

const phases = ['none', 'metadata', 'objects', 'installed'] as const;
const wish: fc.Arbitrary<HubEventBody> = fc.oneof(
  fc.record({ type: fc.constant('remote' as const), on: fc.boolean() }),
  fc.constant({ type: 'unclaimed' as const }),
  fc.constant({ type: 'nudge' as const }),
  fc.record({ type: fc.constant('update' as const), phase: fc.constantFrom(...phases) }),
  fc
    .tuple(fc.constantFrom('QUEUED', 'DOWNLOADING', 'TESTING', 'DONE'), fc.nat(3))
    .map(([status, n]) => ({ type: 'progress' as const, report: { revision: '1', status, body: `${status}${n}` } })),
);
const outcome = fc.constantFrom(...outcomes);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('answer' as const, 'report' as const), outcome }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('late' as const), outcome }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('timer' as const), purpose: fc.constantFrom('ask', 'report', 'listen') }),
  },
  { weight: 2, arbitrary: fc.constant({ do: 'listening' as const }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('listen-ended' as const), outcome }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('send' as const), event: wish }) },
);

function eventOf(model: HubClientModel, action: Action): HubEventBody | undefined {
  switch (action.do) {
    case 'answer':
      return model.asking && { type: 'answered', id: model.asking.id, outcome: action.outcome };
    case 'report':
      return model.reporting === undefined
        ? undefined
        : { type: 'reported', id: model.reporting, outcome: action.outcome };
    case 'late':
      return { type: 'answered', id: 0, outcome: action.outcome };
    case 'timer': {
      const timer = model.timers[action.purpose];
      return timer === undefined ? undefined : { type: 'timer', timer };
    }
    case 'listening':
      return model.stream && { type: 'listening', id: model.stream.id };
    case 'listen-ended':
      return model.stream && { type: 'listen-ended', id: model.stream.id, outcome: action.outcome };
    case 'send':
      return action.event;
  }
}

test('the client never falls silent, never asks twice at a time, and keeps reports in order', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.boolean(), fc.array(action, { maxLength: 120 }), (registered, claimed, actions) => {
      let model = createHubClient();
      const armed = new Set<string>();
      let reporting = 0;
      let streams = 0;
      const send = (event: HubEventBody) => {
        const before = model;
        const next = stepHubClient(model, { ...event, random: 0.3 });
        model = next.model;
        if (event.type === 'timer') armed.delete(event.timer);
        if (event.type === 'reported' && before.reporting === event.id) reporting -= 1;
        if (event.type === 'unclaimed') reporting = 0;
        if (event.type === 'listen-ended' && before.stream?.id === event.id) streams -= 1;
        for (const effect of next.effects) take(effect);
        check(before);
      };
      const take = (effect: HubEffect) => {
        if (effect.type === 'arm') {
          assert.ok(effect.ms > 0 && Number.isSafeInteger(effect.ms), 'a wait is a wait');
          armed.add(effect.timer);
        }
        if (effect.type === 'cancel') assert.ok(armed.delete(effect.timer), 'only what is armed is cancelled');
        if (effect.type === 'report') reporting += 1;
        if (effect.type === 'listen') streams += 1;
        if (effect.type === 'unlisten') streams -= 1;
      };
      const check = (before: HubClientModel) => {
        const row = hubStateTable[model.state];
        assert.deepEqual([...armed].sort(), Object.values(model.timers).sort(), 'timers are what the model says');
        assert.ok(reporting <= 1, 'one report at a time');
        assert.equal(streams, model.stream === undefined ? 0 : 1, 'one stream at a time');
        assert.equal(
          model.stream !== undefined || model.timers.listen !== undefined,
          row.reports,
          'the Hub is listened to, or will be, where it makes sense',
        );
        if (row.asks !== undefined)
          assert.ok(
            (model.asking?.request === row.asks) !== (model.timers.ask !== undefined),
            `${model.state} asks, or waits to ask`,
          );
        if (row.reports && model.outbox.length > 0)
          assert.ok(model.reporting !== undefined || model.timers.report !== undefined, 'reports go out');
        assert.ok(model.outbox.length <= outboxLimit + 1);
        assert.equal(model.state === 'off', !model.remote, 'off is off');
        // Nothing overtakes: what was waiting keeps its order.
        const kept = model.outbox.filter((report) => before.outbox.includes(report));
        assert.deepEqual(
          kept,
          before.outbox.filter((report) => kept.includes(report)),
        );
      };
      send({ type: 'start', settings, registered: registered || claimed, claimed, remote: true });
      for (const one of actions) {
        const event = eventOf(model, one);
        if (event !== undefined) send(event);
      }
    }),
    { numRuns: 500 },
  );
});
