import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventBus } from '../events/bus.ts';
import { IdleAnswers } from './idle-answers.ts';

const setUp = () => {
  const bus = new EventBus();
  return { bus, idle: new IdleAnswers(bus) };
};
const answer =
  (text: string, keep = true) =>
  async () => ({ text, keep });

test('an answer is kept until its device changes', async () => {
  const { bus, idle } = setUp();
  assert.equal(await idle.fill('d', 'steps', answer('[]')), '[]');
  assert.equal(idle.get('d', 'steps'), '[]');
  bus.tell({ kind: 'step', what: 'created', device: 'other', owner: 'o', rev: 1 });
  bus.tell({ kind: 'device', what: 'device-meta', device: 'd', owner: 'o' });
  assert.equal(idle.get('d', 'steps'), '[]');
  bus.tell({ kind: 'step', what: 'created', device: 'd', owner: 'o', rev: 1 });
  assert.equal(idle.get('d', 'steps'), undefined);
});

test('what was read while the device changed is answered but not kept', async () => {
  const { bus, idle } = setUp();
  const gate = Promise.withResolvers<void>();
  const filling = idle.fill('d', 'steps', async () => {
    await gate.promise;
    return { text: '[]', keep: true };
  });
  bus.tell({ kind: 'step', what: 'created', device: 'd', owner: 'o', rev: 1 });
  gate.resolve();
  assert.equal(await filling, '[]');
  assert.equal(idle.get('d', 'steps'), undefined);
});

test('nothing is kept while other replicas cannot be heard, and a gap forgets all', async () => {
  const { bus, idle } = setUp();
  await idle.fill('d', 'user-meta', answer('{}'));
  bus.tellHere({ kind: 'gap' });
  assert.equal(idle.get('d', 'user-meta'), undefined);
  bus.deaf = true;
  await idle.fill('d', 'user-meta', answer('{}'));
  assert.equal(idle.get('d', 'user-meta'), undefined);
});

test('answers that change by themselves are not kept', async () => {
  const { idle } = setUp();
  await idle.fill('d', 'steps', answer('[1]', false));
  assert.equal(idle.get('d', 'steps'), undefined);
});
