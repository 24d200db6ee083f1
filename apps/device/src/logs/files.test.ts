import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryHost } from '../host/memory/host.ts';
import { HostError } from '../host/ports.ts';
import { LogFiles } from './files.ts';

const path = '/logs/0/pantavisor/pantavisor.log';

test('on a full disk the word about losses comes once the disk has room again, and not before', {
  timeout: 10_000,
}, async () => {
  const host = createMemoryHost({});
  await host.files.makeDirectory('/logs');
  let full = true;
  let attempts = 0;
  const told: string[] = [];
  const logs: LogFiles = new LogFiles({
    files: {
      ...host.files,
      append: (name, data, options) => {
        attempts += 1;
        return full
          ? Promise.reject(new HostError('ENOSPC', 'append to', name))
          : host.files.append(name, data, options);
      },
    },
    clock: host.clock,
    measure: (text) => text.length,
    written: async () => undefined,
    failed: (name) => told.push(`failed ${name}`),
    // As the runtime does: what is lost is told in the very log that lost it.
    dropped: (owner, entries) => {
      told.push(`${entries} of ${owner}`);
      void logs.append('pantavisor', path, `${entries} entries of ${owner} are lost\n`);
    },
  });
  const flushed = async () => host.runFor(logs.flush());

  void logs.append('pantavisor', path, 'first\n');
  void logs.append('web', path, 'second\n');
  await flushed();
  // The first word is tried, and lost like the rest; then it is quiet until the file can be written again.
  assert.deepEqual(
    told.filter((word) => word.startsWith('failed')),
    [`failed ${path}`],
  );
  const before = { attempts, words: told.length };
  assert.ok(attempts <= 4, `${attempts} attempts to write two entries`);
  void logs.append('web', path, 'lost, too\n');
  await flushed();
  assert.deepEqual({ attempts, words: told.length }, { attempts: before.attempts + 1, words: before.words });

  full = false;
  void logs.append('pantavisor', path, 'third\n');
  void logs.append('web', path, 'fourth\n');
  await flushed();
  assert.ok(told.length > before.words, 'nothing was said about the losses');
  const lines = (await host.files.readText(path)).split('\n');
  assert.deepEqual(lines.slice(0, 2), ['third', 'fourth']);
  assert.ok(lines.some((line) => /^\d entries of web are lost$/.test(line)));
});
