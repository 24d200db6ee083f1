/**
 * The conformance suite of the control socket: against the router on a simulated machine, against a real socket with real storage,
 * and against the device whose socket PV_CTRL_SOCKET names (PV_CTRL_ALLOWS: harmless, changes or disrupts).
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { endpoints } from '@pantavisor/ctrl-api';
import { startControl } from '../../apps/device/src/control/server.ts';
import { createScriptedRooms, type ScriptedRooms } from '../../apps/device/src/control/testing/scripted-rooms.ts';
import { createMemoryHost } from '../../apps/device/src/host/memory/host.ts';
import { createFiles } from '../../apps/device/src/host/node/files.ts';
import { createHttp } from '../../apps/device/src/host/node/http.ts';
import { createText } from '../../apps/device/src/host/node/text.ts';
import type { CallerRole, Target } from './case.ts';
import { socketTarget } from './socket-target.ts';
import { allCases, runCases, runWireCases } from './suite.ts';

const becomer = (rooms: ScriptedRooms) => (caller: CallerRole) => {
  const callers = {
    host: { kind: 'engine' },
    mgmt: { kind: 'container', name: 'app', mgmt: true },
    nobody: { kind: 'container', name: 'waiter', mgmt: false },
  } as const;
  rooms.runtime.caller = callers[caller];
};

test('on a simulated machine', { timeout: 120_000 }, async (t) => {
  const host = createMemoryHost();
  const rooms = await createScriptedRooms(host, '/storage');
  const socketPath = '/run/pv-ctrl';
  const server = await startControl(host.http, socketPath, rooms);
  const become = becomer(rooms);
  const decoder = new TextDecoder();
  const target: Target = {
    roles: ['host', 'mgmt', 'nobody'],
    allows: 'disrupts',
    send: async (caller, request) => {
      become(caller);
      const answer = await host.request(socketPath, request);
      if (!answer) return undefined;
      const headers = Object.entries(answer.headers).map(([name, value]) => [name.toLowerCase(), value]);
      return { status: answer.status, headers: Object.fromEntries(headers), body: decoder.decode(answer.body) };
    },
  };
  assert.equal(await runCases(t, target), allCases.length - 1, 'only the stored object is not there from the start');
  await server.close();
  assert.deepEqual(rooms.failures, []);
});

test('on a real socket', { timeout: 120_000 }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'control-conformance-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const rooms = await createScriptedRooms({ files: createFiles(), text: createText() }, join(directory, 'storage'));
  const socketPath = join(directory, 'pv-ctrl');
  const server = await startControl(createHttp(), socketPath, rooms);
  t.after(() => server.close());
  await runCases(t, socketTarget(socketPath, { allows: 'disrupts', become: becomer(rooms) }));
  await runWireCases(t, socketPath);
  assert.deepEqual(rooms.failures, []);
});

const device = process.env.PV_CTRL_SOCKET;
if (device !== undefined) {
  const allowed = ['harmless', 'changes', 'disrupts'] as const;
  test('on the device of PV_CTRL_SOCKET', { timeout: 300_000 }, async (t) => {
    const allows = allowed.find((name) => name === process.env.PV_CTRL_ALLOWS) ?? 'harmless';
    await runCases(t, socketTarget(device, { allows }));
    await runWireCases(t, device);
  });
}

test('every endpoint has a case that is not a refusal of the caller', () => {
  const asked = allCases.filter(({ caller, request }) => caller !== 'nobody' || request.target === '/signal');
  const without = Object.values(endpoints).filter(({ method, path }) => {
    const pattern = new RegExp(`^${path.replace(/\{\w+\}/g, '[^/?]+')}$`);
    return !asked.some(({ request }) => request.method === method && pattern.test(request.target));
  });
  assert.deepEqual(without, []);
});
