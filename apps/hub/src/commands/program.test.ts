import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { CommandSpec } from '@pantavisor/cli';
import { captureTerminal } from '@pantavisor/cli/testing';
import { settingsDocument } from '../config/document.ts';
import { optionNames } from '../config/options.ts';
import { exitCodes, type Pantahub, program, runPantahub } from './program.ts';

interface Run {
  code: number;
  out: string;
  err: string;
}

interface Setting {
  /** What a person types when asked. */
  typed?: string;
  environment?: Record<string, string>;
  /** Called when the program says it is ready to be stopped. */
  onServing?(out: string): Promise<void>;
}

async function run(argv: string[], { typed, environment = {}, onServing }: Setting = {}): Promise<Run> {
  const terminal = captureTerminal(environment, typed);
  const code = await runPantahub(argv, terminal, async () => onServing?.(terminal.written.out));
  return { code, ...terminal.written };
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'hub-program-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function* commandsOf(
  command: CommandSpec<Pantahub>,
  path: string[] = [],
): Generator<[string[], CommandSpec<Pantahub>]> {
  yield [path, command];
  for (const child of command.commands ?? []) yield* commandsOf(child, [...path, child.names[0]!]);
}

test('every command has help, and every example of it is a command line that is understood', async () => {
  for (const [path, { examples = [], commands }] of commandsOf(program)) {
    const { code, out } = await run([...path, '--help']);
    assert.equal(code, 0, path.join(' '));
    if (!commands) assert.match(out, /Examples:/, path.join(' '));
    for (const [line] of examples) {
      const words = line.replace(/.*\((.*)\)/, '$1').split(' ');
      if (words[0] !== 'pantahub') continue;
      const { err } = await run([...words.slice(1).filter((word) => !word.startsWith('<')), '--help']);
      assert.equal(err, '', line);
    }
  }
});

test('the help of the program names every setting with its environment, and every exit code', async () => {
  const { out } = await run(['--help']);
  for (const name of optionNames) assert.match(out, new RegExp(`^  --${name}\\b`, 'm'));
  for (const { code, meaning } of exitCodes) assert.ok(out.includes(`  ${code}  ${meaning}`));
  assert.match(out, /HTTP port; .* \[default: 12365; PANTAHUB_PORT_INT\]/);
});

test('the page of settings is that of the table', () => {
  const documents = join(import.meta.dirname, '../../../../docs/hub');
  const wanted = settingsDocument();
  if (process.env.UPDATE_DOCS === '1') writeFileSync(join(documents, 'configuration.md'), wanted);
  assert.equal(readFileSync(join(documents, 'configuration.md'), 'utf8'), wanted, 'run this test with UPDATE_DOCS=1');
  assert.ok(readdirSync(documents).includes('README.md'));
});

test('slips are told with what was probably meant, wrong settings all at once, each with its exit code', async () => {
  assert.match((await run(['serv'])).err, /did you mean 'pantahub serve'/);
  assert.match((await run(['user', 'invte'])).err, /did you mean 'pantahub user invite'\?/);
  assert.match((await run(['--tls-prot', '1'])).err, /did you mean --tls-port\?/);
  assert.equal((await run(['serv'])).code, 3);
  const settings = await run(['--port', 'x', '--blobs', 'tape', '--json'], {
    environment: { PANTAHUB_LOG_DAYS: '-1' },
  });
  assert.equal(settings.code, 2);
  const { error } = JSON.parse(settings.err) as { error: { code: string; details: string[] } };
  assert.deepEqual(
    [error.code, error.details],
    [
      'bad-settings',
      [
        "--port: 'x' is not a whole number",
        "--blobs: 'tape' is not one of local, s3",
        "PANTAHUB_LOG_DAYS: '-1' is not at least 0",
      ],
    ],
  );
  for (const argv of [['backup'], ['user', 'add', 'alice'], ['user', 'role', 'alice'], ['gc', 'now']])
    assert.equal((await run(argv)).code, 3, argv.join(' '));
});

test('completion knows commands, settings and their choices', async () => {
  const complete = async (...words: string[]) =>
    (await run(['__complete', ...words])).out.split('\n').map((line) => line.split('\t')[0]);
  assert.deepEqual(await complete('--data', 'x', 'us'), ['user', '']);
  assert.deepEqual(await complete('user', 'in'), ['invite', '']);
  assert.deepEqual(await complete('--log-level', 'w'), ['warn', '']);
  assert.deepEqual(await complete('--tls-p'), ['--tls-port', '']);
  assert.deepEqual(await complete('user', 'role', 'alice', ''), ['admin', 'user', '']);
  for (const shell of ['bash', 'zsh', 'fish'])
    assert.match((await run(['completion', shell])).out, /pantahub __complete/);
});

test('it serves until it is told to stop, and says as text or JSON where', { timeout: 60_000 }, async (t) => {
  const data = folder(t);
  const settings = ['--data', data, '--port', '0', '--log-level', 'error', '--console-folder', 'none'];
  let url = '';
  const first = await run(settings, {
    onServing: async (out) => {
      url = /^ready url=(\S+)$/m.exec(out)?.[1] ?? '';
      assert.equal((await fetch(`${url}/healthz/live`)).status, 200);
    },
  });
  assert.deepEqual([first.code, first.err], [0, '']);
  assert.match(first.out, /^admin invitation: \S+/);
  const second = await run([...settings, 'serve', '--json']);
  const ready = JSON.parse(second.out) as { url: string; invitation: string };
  assert.match(ready.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  const { port } = new URL(ready.url);
  await run([...settings, '--port', port], {
    onServing: async () => {
      const taken = await run([...settings, '--data', folder(t), '--port', port]);
      assert.deepEqual([taken.code, /EADDRINUSE/.test(taken.err)], [3, true], taken.err);
    },
  });
});

test('accounts, backups and damage, as text and as JSON', { timeout: 60_000 }, async (t) => {
  const data = folder(t);
  const hub = (argv: string[], setting?: Setting) => run(['--data', data, '--json', ...argv], setting);
  assert.match(
    (await hub(['user', 'add', 'alice', '--email', 'a@example.org'], { typed: 'short' })).err,
    /at least 8 characters/,
  );
  const added = await hub(['user', 'add', 'alice', '--email', 'a@example.org', '--admin'], { typed: 'long enough' });
  assert.equal(JSON.parse(added.out).nick, 'alice', added.err);
  assert.deepEqual(JSON.parse((await hub(['user', 'list'])).out)[0], {
    nick: 'alice',
    email: 'a@example.org',
    role: 'admin',
    state: 'active',
    prn: JSON.parse(added.out).prn,
  });
  assert.match((await run(['--data', data, 'user', 'ls'])).out, /^NICK.*\nalice +a@example\.org +admin +active +prn:/);
  assert.equal((await hub(['user', 'disable', 'bob'])).code, 3);
  assert.match((await hub(['user', 'role', 'alice', 'king'])).err, /there are admin and user/);
  const archive = join(folder(t), 'hub.tar');
  const saved = JSON.parse((await hub(['backup', archive])).out);
  assert.deepEqual([saved.file, saved.blobs], [archive, 0]);
  const copy = await run(['--data', folder(t), '--json', 'restore', archive]);
  assert.equal(JSON.parse(copy.out).rows, saved.rows, copy.err);
  assert.deepEqual(JSON.parse((await hub(['fsck'])).out), { checked: 0, findings: [] });
  mkdirSync(join(data, 'blobs', 'ab'), { recursive: true });
  writeFileSync(join(data, 'blobs', 'ab', 'abcd'), 'no record names it');
  const damaged = await hub(['fsck']);
  assert.deepEqual([damaged.code, JSON.parse(damaged.err).error.code], [4, 'damaged'], damaged.err);
});
