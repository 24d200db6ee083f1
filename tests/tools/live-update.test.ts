/** A device updated by hand, with nothing but pvcontrol: objects, steps, commands, on a terminal and in a script. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ObjectJson, ProgressJson, StepJson } from '@pantavisor/ctrl-api';
import { temporaryDirectory } from '../harness/cleanup.ts';
import { skipWithoutContainers } from '../harness/facilities.ts';
import { probeContainer } from '../harness/revision.ts';
import { UpdateDevice } from '../harness/update-device.ts';

const options = { skip: await skipWithoutContainers(), timeout: 120_000 };
const program = fileURLToPath(new URL('../../apps/device-tools/bin/pvcontrol', import.meta.url));
const withPage = (page: string) => [
  probeContainer('web', ['init'], { config: { '/etc/page': page } }),
  probeContainer('db'),
];

interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

function execute(file: string, argv: string[]): Promise<Result> {
  return new Promise((resolve) => {
    execFile(file, argv, { timeout: 60_000, encoding: 'utf8' }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
    );
  });
}

test('pvcontrol uploads, runs, watches and tidies up revisions of a running device', options, async (t) => {
  const device = await UpdateDevice.install(t, withPage('first'));
  const { socket } = device.device;
  const work = temporaryDirectory(t);
  const run = (...argv: string[]) => execute(program, ['-s', socket, ...argv]);
  /** On a terminal of 200 columns, where both streams are one. */
  const shown = async (...argv: string[]) => {
    const quoted = [program, '-s', socket, ...argv].map((word) => `'${word}'`).join(' ');
    const result = await execute('script', ['-qec', `stty cols 200; NO_COLOR=1 exec ${quoted}`, '/dev/null']);
    return { code: result.code, text: result.stdout.replaceAll('\r\n', '\n') };
  };
  const good = async (...argv: string[]) => {
    const result = await run(...argv);
    assert.deepEqual([result.code, result.stderr], [0, ''], argv.join(' '));
    return result.stdout;
  };
  const json = async <T>(...argv: string[]) => JSON.parse(await good(...argv)) as T;
  const page = async () => {
    const { pid } = await device.device.container('web');
    return readFileSync(`/proc/${pid}/root/etc/page`, 'utf8');
  };
  const stepOf = async (name: string) => (await json<StepJson[]>('steps', 'ls')).find((step) => step.name === name);

  await t.test('objects: put with a bar on a terminal, listed, and got back', async () => {
    const content = randomBytes(8 * 1024 * 1024);
    const id = createHash('sha256').update(content).digest('hex');
    writeFileSync(`${work}/large`, content);
    const put = await shown('objects', 'put', `${work}/large`);
    assert.equal(put.code, 0, put.text);
    assert.match(put.text, /\[#+\] 100 % {2}8\.0 MiB of 8\.0 MiB/);
    assert.match(put.text, new RegExp(`${id}: stored, 8\\.0 MiB\n$`));
    const listed = await json<ObjectJson[]>('objects', 'ls');
    assert.equal(listed.find(({ sha256 }) => sha256 === id)?.size, String(content.length));
    assert.match((await shown('objects', 'ls')).text, new RegExp(`^SHA256 +SIZE\n[\\s\\S]*${id} +8\\.0 MiB`));
    assert.deepEqual(JSON.parse((await shown('objects', 'ls', '--json')).text), listed);
    await good('-f', `${work}/back`, 'objects', 'get', id);
    assert.deepEqual(readFileSync(`${work}/back`), content);
    assert.equal((await run('objects', 'put', `${work}/large`, '0'.repeat(64))).code, 60);
    assert.equal((await run('objects', 'get', '0'.repeat(64))).code, 255);
  });

  await t.test('steps: put with a message, got back, run, and followed to the end', async () => {
    const files = await device.build('one', withPage('second'));
    for (const id of new Set(Object.values(files.ids))) await good('objects', 'put', `${files.objects}/${id}`);
    await good('-m', 'by hand', 'steps', 'put', files.state, 'locals/one');
    assert.equal(await good('steps', 'get', 'locals/one'), `${readFileSync(files.state, 'utf8')}\n`);
    const step = await stepOf('locals/one');
    assert.ok(step !== undefined && 'status' in step.progress);
    assert.deepEqual([step.commitmsg, step.progress.status], ['by hand', 'NEW']);
    const { lines } = device.run;
    const from = lines.length;
    assert.equal(await good('cmd', 'run', 'locals/one'), '');
    assert.equal((await run('cmd', 'run', '0')).code, 75, 'an update is in hand');
    await device.ended('locals/one', from);
    const progress = await json<ProgressJson>('steps', 'show-progress', 'locals/one');
    assert.deepEqual([progress.status, progress.progress], ['UPDATED', 100]);
    assert.match(
      (await shown('steps', 'show-progress', 'locals/one')).text,
      /^STATUS +PROGRESS +RETRIES +DETAIL\nUPDATED +100 % +0 +Update finished, revision not set as rollback point\n/,
    );
    assert.match((await shown('steps', 'ls')).text, /\nlocals\/one +\d{4}-\S+ \S+ +UPDATED +by hand +Update finished/);
    assert.equal(await page(), 'second');
  });

  await t.test('steps: an archive is installed under a name, and run to the rollback point', async () => {
    const files = await device.build('two', withPage('third'));
    const archive = `${work}/archive`;
    mkdirSync(`${archive}/objects`, { recursive: true });
    copyFileSync(files.state, `${archive}/json`);
    for (const id of Object.values(files.ids)) copyFileSync(`${files.objects}/${id}`, `${archive}/objects/${id}`);
    await promisify(execFile)('tar', ['-C', archive, '-czf', `${work}/two.tgz`, 'json', 'objects']);
    const installed = await shown('-m', 'from CI', 'steps', 'install', `${work}/two.tgz`, 'locals/two');
    assert.equal(installed.code, 0, installed.text);
    assert.match(
      installed.text,
      /\{"revision":"locals\/two"\}\ninstalled; run it with 'pvcontrol cmd run locals\/two'\n$/,
    );
    assert.equal((await stepOf('locals/two'))?.commitmsg, 'from CI');
    await good('cmd', 'run-commit', 'locals/two');
    await device.run.exited;
    device.startAgain();
    await device.ended('locals/two');
    assert.equal((await json<ProgressJson>('steps', 'show-progress', 'locals/two')).status, 'DONE');
    assert.equal(await page(), 'third');
  });

  await t.test(
    'a revision that is not there: the command says so, and what accepts it anyhow tells the end',
    async () => {
      const refused = await run('cmd', 'run', 'locals/none');
      assert.equal(refused.code, 255);
      assert.match(refused.stderr, /the device has no revision locals\/none/);
      const from = device.run.lines.length;
      assert.equal(await device.command('LOCAL_RUN', 'locals/none'), 200);
      await device.ended('locals/none', from);
      const { status, 'status-msg': message } = await json<ProgressJson>('steps', 'show-progress', 'locals/none');
      assert.deepEqual([status, message], ['WONTGO', 'State JSON not found']);
      assert.deepEqual(device.reasons('locals/none'), ['state-missing']);
      assert.equal(await page(), 'third');
    },
  );

  await t.test('storage: what nothing needs goes', async () => {
    const { reclaimed } = await json<{ reclaimed: number }>('storage', 'gc');
    assert.ok(reclaimed >= 8 * 1024 * 1024, `${reclaimed} bytes`);
    const names = (await json<StepJson[]>('steps', 'ls')).map(({ name }) => name);
    assert.deepEqual(names, ['locals/two']);
    assert.match((await shown('storage', 'gc')).text, /^0 B freed\n$/);
  });
});
