import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { captureTerminal } from '@pantavisor/cli/testing';
import { program, runPvImage } from './program.ts';
import { recipeSpec } from './recipe/recipe.ts';
import { recipeKeys } from './recipe/schema.ts';

async function runIn(folder: string, ...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const terminal = captureTerminal();
  const code = await runPvImage(argv, terminal, folder);
  return { code, ...terminal.written };
}

function folderWith(t: TestContext, files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'pv-program-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

const good = JSON.stringify({ '#spec': recipeSpec, name: 'demo', architecture: 'x86_64' });

test('every command tells what it does, with an example', async () => {
  const { code, out } = await runIn('/', '--help');
  assert.equal(code, 0);
  for (const { names } of program.commands ?? []) {
    const [name = ''] = names;
    assert.match(out, new RegExp(`^  ${name} `, 'm'));
    const { out: own } = await runIn('/', name, '--help');
    assert.match(own, /Examples:/, name);
  }
});

test('a recipe is explained with its defaults before anything is built', async (t) => {
  const folder = folderWith(t, { 'r.json': good });
  const { code, out } = await runIn(folder, 'explain', 'r.json');
  assert.equal(code, 0);
  assert.match(out, /"debian": "linux-image-cloud-amd64"/);
  assert.match(out, /^3 +root +66.0 MiB +512 MiB +the storage/m);
  const { out: json } = await runIn(folder, 'explain', 'r.json', '--json');
  assert.equal(JSON.parse(json).plan.table, 'gpt');
});

test('a bad recipe, a missing one and a wrong word have their own exit codes and say what to do', async (t) => {
  const folder = folderWith(t, {
    'bad.json': '{"name": "a b", "loader": 1, "kernel": {"image": "out/Image"}}',
    'good.json': good,
  });
  const bad = await runIn(folder, 'check', 'bad.json');
  assert.equal(bad.code, 2);
  assert.match(
    bad.err,
    /cannot use the recipe .*bad.json:\n {2}#spec must be[\s\S]*name must be[\s\S]*architecture is missing/,
  );
  const asJson = await runIn(folder, 'check', 'bad.json', '--json');
  assert.ok(JSON.parse(asJson.err).error.details.length >= 3);
  assert.equal((await runIn(folder, 'check', 'good.json')).code, 0);
  assert.match(bad.err, /kernel\.image is not there: .*\/out\/Image/, 'files are looked for although the text is bad');
  const none = await runIn(folder, 'build');
  assert.deepEqual([none.code, /cannot go on without a recipe: name its file/.test(none.err)], [3, true]);
  const missing = await runIn(folder, 'build', 'nowhere.json');
  assert.deepEqual([missing.code, /cannot read the recipe/.test(missing.err)], [3, true]);
  const image = await runIn(folder, 'run', 'nowhere.img');
  assert.deepEqual(
    [image.code, /cannot read .*nowhere.img.json, which tells what the image is/.test(image.err)],
    [3, true],
  );
  const typo = await runIn(folder, 'biuld', 'good.json');
  assert.match(typo.err, /build/);
  assert.equal(typo.code, 3);
});

test('completion is offered for commands and flags', async () => {
  assert.match((await runIn('/', '__complete', 'ex')).out, /explain/);
  assert.match((await runIn('/', '__complete', 'run', '--fi')).out, /--firmware/);
  assert.match((await runIn('/', 'completion', 'bash')).out, /pv-image/);
});

test('the document of recipes names every member that there is', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/images.md'), 'utf8');
  for (const key of Object.keys(recipeKeys)) assert.ok(text.includes(`| \`${key}\` |`), `docs/images.md lacks ${key}`);
});
