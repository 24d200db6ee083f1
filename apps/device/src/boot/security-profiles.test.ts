import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigStore } from '../config/store.ts';
import { createMemoryHost } from '../host/memory/host.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { loadSecurityProfiles } from './security-profiles.ts';

async function load(value: string | undefined): Promise<{ loaded: string[]; lines: string[] }> {
  const loaded: string[] = [];
  const host = createMemoryHost({
    programs: {
      apparmor_parser: async ([, , path = '']) => {
        loaded.push(path);
        return path.endsWith('bad') ? { code: 1, stderr: 'AppArmor parser error\nsyntax error\n' } : {};
      },
    },
  });
  await makeDirectories(host.files, '/etc/apparmor.d/abstractions');
  for (const name of ['web', 'bad']) await host.files.write(`/etc/apparmor.d/${name}`, '');
  const settings = value === undefined ? [] : [{ name: 'PV_SYSTEM_APPARMOR_PROFILES', value, source: 'test' }];
  const lines: string[] = [];
  await loadSecurityProfiles(host, new ConfigStore(settings).snapshot(), (level, _, message) => {
    lines.push(`${level} ${message}`);
  });
  return { loaded, lines };
}

test('profiles are loaded by name, or all of them; one that is bad does not keep the others back', async () => {
  assert.deepEqual((await load(undefined)).loaded, []);
  assert.deepEqual((await load('web')).loaded, ['/etc/apparmor.d/web']);
  const { loaded, lines } = await load('all');
  assert.deepEqual(loaded, ['/etc/apparmor.d/bad', '/etc/apparmor.d/web']);
  assert.deepEqual(lines, ['ERROR cannot load the profile bad: syntax error', 'INFO profile web is loaded']);
});

test('a name leads nowhere else', async () => {
  const { loaded, lines } = await load('../../root/x, web');
  assert.deepEqual(loaded, ['/etc/apparmor.d/web']);
  assert.match(lines[0] ?? '', /^ERROR cannot load the profile "..\/..\/root\/x"/);
});
