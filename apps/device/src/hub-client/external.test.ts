/** Devices whose credentials only programs of the board know. Whole devices, in virtual time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UpdateDevice, versioned } from '../updates/testing/update-device.ts';
import { SteadyHub } from './testing/steady-hub.ts';

const timeout = 30_000;
const id = '0123456789abcdef01234567';
const remote = { PV_CONTROL_REMOTE: '1', PH_CREDS_HOST: 'http://hub', PH_CREDS_PORT: '80', PV_LOG_LEVEL: '4' };

/** @param registers whether the program that registers leaves an id */
async function install(type: string, registers = true) {
  const hub = new SteadyHub();
  const calls: [string, Record<string, string>][] = [];
  let device: UpdateDevice | undefined;
  const register = async (_argv: string[], { environment = {} }: { environment?: Record<string, string> }) => {
    calls.push(['register', environment]);
    if (registers) await device!.host.files.write('/data/config/pantahub.config', `creds.id=${id}\n`);
    return {};
  };
  const login = async (_argv: string[], { environment = {} }: { environment?: Record<string, string> }) => {
    calls.push(['login', environment]);
    return { stdout: '{"token":"of the chip"}\n', stderr: 'chatter\n' };
  };
  device = await UpdateDevice.install([versioned('web', 1), versioned('db', 1)], {
    environment: { ...remote, PH_CREDS_TYPE: type },
    httpClient: hub,
    programs: { '/btools/ext-chip.register': register, '/btools/ext-chip.login': login },
  });
  return { hub, device, calls };
}

test('programs register and log in, and the device is told where the Hub is', { timeout }, async () => {
  const { hub, device, calls } = await install('ext-chip');
  await device.device.line(/the Hub client goes from \S+ to idle/);
  assert.equal(hub.registrations, 0);
  assert.equal(hub.logins, 0);
  assert.deepEqual(new Set(hub.tokens), new Set(['of the chip']));
  assert.equal(calls[0]![0], 'register');
  assert.equal(calls[0]![1].PH_CREDS_HOST, 'http://hub');
  assert.equal(calls.at(-1)![0], 'login');
  assert.equal(calls.at(-1)![1].PH_CREDS_ID, id);
  assert.ok(!device.device.output.includes('of the chip'), 'a token is in the log');
  const { body } = await device.device.request('GET', '/device-meta');
  assert.equal(JSON.parse(body)['pantahub.address'], '192.0.2.7:80');
});

test('a program that leaves no id, and a kind of credentials that is none, are said in the log', {
  timeout,
}, async () => {
  const silent = await install('ext-chip', false);
  await silent.device.device.line(/cannot register: .* there is no creds\.id in pantahub\.config/);
  const missing = await install('ext-other');
  await missing.device.device.line(/cannot register: \/btools\/ext-other\.register: it is not there/);
  for (const type of ['tpm', 'ext-../../bin/sh']) {
    const wrong = await install(type);
    await wrong.device.device.line(/cannot use PH_CREDS_TYPE ".*": it is builtin, or ext- and a name/);
    assert.equal(wrong.hub.registrations, 0);
  }
});
