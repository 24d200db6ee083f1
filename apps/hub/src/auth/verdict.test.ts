import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Claims, principalOf } from './principal.ts';
import { judge, type Need } from './verdict.ts';

const claims = (more: Partial<Claims>): Claims => ({
  id: 'x',
  prn: 'prn:::accounts:/1',
  nick: 'n',
  type: 'USER',
  roles: 'user',
  scopes: 'all',
  ...more,
});
const needs: Need[] = ['read', 'read-private', 'own', 'be', 'own-or-be', 'add'];
const prn = fc.constantFrom('prn:::accounts:/1', 'prn:::accounts:/2', 'prn:::devices:/1', 'prn:::devices:/2', '');

const anyone = fc.record({
  prn,
  type: fc.constantFrom('USER' as const, 'SESSION' as const, 'DEVICE' as const, 'SERVICE' as const),
  owner: prn,
  roles: fc.constantFrom('user', 'admin'),
});
const anything = fc.record({
  name: fc.constant('it'),
  owner: prn,
  device: fc.constantFrom('prn:::devices:/1', 'prn:::devices:/2'),
  public: fc.boolean(),
});

test('whoever is neither owner nor device gets at most to look at public things', () => {
  fc.assert(
    fc.property(anyone, anything, fc.constantFrom(...needs), (who, thing, need) => {
      const principal = principalOf(claims(who));
      const owns = who.type !== 'DEVICE' && who.prn !== '' && who.prn === thing.owner;
      const isIt = who.type === 'DEVICE' && who.prn === thing.device;
      const sibling = need === 'add' && who.type === 'DEVICE' && who.owner === thing.owner && thing.owner !== '';
      const verdict = judge(principal, need, thing);
      if (verdict.allowed && !owns && !isIt && !sibling) assert.deepEqual([need, thing.public], ['read', true]);
      if (owns && need !== 'be') assert.ok(verdict.allowed);
    }),
  );
});

test('a device never owns, an administrator is nobody special, nobody owns what has no owner', () => {
  const thing = { name: 'it', owner: 'prn:::accounts:/1', device: 'prn:::devices:/1' };
  const device = principalOf(claims({ type: 'DEVICE', prn: thing.device, owner: thing.owner }));
  assert.equal(judge(device, 'own', thing).allowed, false);
  assert.equal(judge(principalOf(claims({ prn: 'prn:::accounts:/9', roles: 'admin' })), 'read', thing).allowed, false);
  assert.equal(judge(principalOf(claims({ prn: '' })), 'own', { ...thing, owner: '' }).allowed, false);
});

test('who acts as somebody else is that person, with the life of the own token', () => {
  const acting = principalOf({
    ...claims({ roles: 'admin', exp: 5 }),
    'call-as': claims({ prn: 'prn:::accounts:/2', exp: 9 }),
  });
  assert.deepEqual([acting.prn, acting.admin, acting.claims.exp], ['prn:::accounts:/2', false, 5]);
});
