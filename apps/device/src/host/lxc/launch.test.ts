import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createFiles } from '../node/files.ts';
import { createText } from '../node/text.ts';
import { errorsIn, newErrors as readErrors } from './launch.ts';

const newErrors = (path: string, from: number, name: string) =>
  readErrors(createFiles(), createText(), path, from, name);

const line = (name: string, level: string, message: string) =>
  `lxc-start ${name} 20260101000000.109 ${level.padEnd(8)} conf - ../src/lxc/conf.c:run_buffer:321 - ${message}`;

describe('errors in the LXC log', () => {
  it('are the messages of error lines of this container, once each', () => {
    const text = [
      line('web', 'ERROR', 'No such file or directory - Failed to mount "/x"'),
      line('web', 'WARN', 'nothing bad'),
      line('web2', 'ERROR', 'of another container'),
      line('web', 'ERROR', 'Failed to setup container'),
      line('web', 'ERROR', 'Failed to setup container'),
      'not a line of LXC',
    ].join('\n');
    assert.deepEqual(errorsIn(text, 'web'), [
      'No such file or directory - Failed to mount "/x"',
      'Failed to setup container',
    ]);
  });
  it('are at most the last five', () => {
    const text = Array.from({ length: 9 }, (_, index) => line('a.b', 'ERROR', `m${index}`)).join('\n');
    assert.deepEqual(errorsIn(text, 'a.b'), ['m4', 'm5', 'm6', 'm7', 'm8']);
  });
  it('can be looked for in any text', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (text, name) => Array.isArray(errorsIn(text, name))));
  });
  it('are only those since the start', async () => {
    const directory = await mkdtemp(`${tmpdir()}/node-host-log-`);
    try {
      const path = `${directory}/log`;
      assert.deepEqual(await newErrors(path, 0, 'c'), []);
      await writeFile(path, `${line('c', 'ERROR', 'old')}\n`);
      const from = (await stat(path)).size;
      await writeFile(path, `${line('c', 'ERROR', 'new')}\n`, { flag: 'a' });
      assert.deepEqual(await newErrors(path, from, 'c'), ['new']);
      // A log that was rotated away meanwhile begins anew.
      await writeFile(path, `${line('c', 'ERROR', 'x')}\n`);
      assert.deepEqual(await newErrors(path, from + 1000, 'c'), ['x']);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
