import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMeshed, ownDaemons } from './mesh.ts';

const echo = { kind: 'socket', name: 'echo', type: 'unix', socket: '/run/echo' } as const;
const wish = (name: string) => ({ name, role: 'any', required: false });

test('the mesh is needed when somebody asks for what somebody exports', () => {
  assert.equal(isMeshed([]), false);
  assert.equal(isMeshed([{ provides: [echo], requires: [] }]), false);
  assert.equal(isMeshed([{ provides: [echo], requires: [wish('other')] }]), false);
  assert.equal(
    isMeshed([
      { provides: [], requires: [wish('other'), wish('echo')] },
      { provides: [echo], requires: [] },
    ]),
    true,
  );
});

test('it gets the control socket, and the switch of the configuration', () => {
  const system = { mesh: { program: '/proc/self/exe', argv: ['pv-xconnect'] } };
  const own = (identity: boolean) => ownDaemons({ system }, { PV_XCONNECT_REST_IDENTITY: identity }, '/run/pv-ctrl');
  assert.deepEqual(own(true)['pv-xconnect'], { program: '/proc/self/exe', argv: ['pv-xconnect', '/run/pv-ctrl'] });
  assert.deepEqual(own(false)['pv-xconnect']?.argv, ['pv-xconnect', '--no-identity', '/run/pv-ctrl']);
  assert.deepEqual(ownDaemons({ system: {} }, { PV_XCONNECT_REST_IDENTITY: true }, '/s'), {});
});
