import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { foreignContainer } from './foreign.ts';
import { webContainer } from './web/recipe.ts';

test('containers that ask for the same programs at once share one tree', { timeout: 300_000 }, async () => {
  const ask = () => foreignContainer(webContainer(10), 'amd64');
  const tree = (await ask()).rootfs.trees?.[0] ?? '';
  rmSync(tree, { recursive: true });
  const found = await Promise.all([ask(), ask(), ask(), ask()]);
  for (const { rootfs } of found) assert.equal(rootfs.trees?.[0], tree);
  assert.ok(existsSync(join(tree, 'bin/busybox')));
  const left = readdirSync(dirname(tree)).filter((name) => name.startsWith(`${basename(tree)}.`));
  assert.deepEqual(left, [], 'copies of the others are gone');
});
