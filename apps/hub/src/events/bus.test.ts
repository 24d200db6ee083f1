import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prnOf } from '../names/ids.ts';
import { type BusEvent, EventBus } from './bus.ts';

test('who is interested in an owner or a device hears of it once, and of what concerns everybody', () => {
  const bus = new EventBus();
  const heard: string[] = [];
  const listen = (name: string) => (event: BusEvent) => void heard.push(`${name} ${event.kind}`);
  bus.listen(listen('all'));
  bus.listenTo({ owner: 'o', device: prnOf.device('d') }, listen('both'));
  const stop = bus.listenTo({ device: prnOf.device('other') }, listen('other'));
  const told = (event: BusEvent) => {
    heard.length = 0;
    bus.tell(event);
    return [...heard];
  };
  assert.deepEqual(told({ kind: 'step', what: 'created', device: 'd', owner: 'o', rev: 1 }), ['all step', 'both step']);
  assert.deepEqual(told({ kind: 'revoked', prn: prnOf.device('other') }), ['all revoked', 'other revoked']);
  assert.deepEqual(told({ kind: 'stopping' }), ['all stopping', 'both stopping', 'other stopping']);
  assert.equal(bus.listeners, 3);
  stop();
  assert.deepEqual(told({ kind: 'gap' }), ['all gap', 'both gap']);
  assert.equal(bus.listeners, 2);
});
