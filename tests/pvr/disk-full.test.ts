import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { atEnd } from '../harness/cleanup.ts';
import { bundlePvr } from './bundle.ts';

const skip =
  process.getuid?.() !== 0
    ? 'a small file system needs root'
    : spawnSync('unshare', ['-m', 'true']).status !== 0 && 'this machine has no mount namespaces';
const options = { skip, timeout: 120_000 };

interface Place {
  directory: string;
  /** Runs lines of shell with a file system of 4 MiB in ./small, which goes when they end; `pvr` is the program. @returns what they printed */
  run(script: string): string[];
}

function prepare(context: TestContext): Place {
  const directory = mkdtempSync(join(tmpdir(), 'pvr-full-'));
  atEnd(context, () => rmSync(directory, { recursive: true, force: true }));
  const bundle = bundlePvr(directory);
  mkdirSync(join(directory, 'small'));
  mkdirSync(join(directory, 'files'));
  writeFileSync(join(directory, 'files/big'), randomBytes(6 * 1024 * 1024));
  return {
    directory,
    run: (script) => {
      const begin = `mount -t tmpfs -o size=4m tmpfs small\npvr() { "${process.execPath}" "${bundle}" "$@" 2>>"${directory}/said"; }\n`;
      const { stdout, stderr, status } = spawnSync('unshare', ['-m', 'sh', '-c', begin + script], {
        cwd: directory,
        encoding: 'utf8',
        env: { PATH: process.env.PATH, HOME: join(directory, 'home'), LC_ALL: 'C' },
      });
      assert.equal(status, 0, stderr);
      return stdout.split('\n').filter((line) => line !== '');
    },
  };
}

test('a commit for which there is no room changes nothing, and succeeds when there is some', options, (context) => {
  const place = prepare(context);
  const printed = place.run(`
mkdir tree && cd tree && pvr init -o ../small/pool && echo one > a && pvr add . && pvr commit
cp .pvr/json before && cp ../files/big big && pvr add big
pvr commit; echo "commit $?"
cmp .pvr/json before && echo same
ls -A ../small/pool | wc -l
pvr status | grep big
rm big; echo little > big; pvr commit && pvr status; ls -A ../small/pool | wc -l
`);
  assert.deepEqual(printed, ['commit 3', 'same', '1', 'A big', '? before', '2']);
  assert.match(readFileSync(join(place.directory, 'said'), 'utf8'), /cannot go on: no space is left/);
});

test('clone, export, app add and checkout leave nothing half-made on a full disk', options, (context) => {
  const place = prepare(context);
  const printed = place.run(`
mkdir tree && cd tree && pvr init && cp ../files/big big && echo one > a && pvr add . && pvr commit
pvr clone -o ../small/pool . ../small/copy; echo "clone $?"; ls -A ../small
rm -rf ../small/pool
pvr export ../small/out.tgz; echo "export $?"; ls -A ../small
cd ../small && pvr init -o ../pool && pvr app add web --type rootfs --from ../files; echo "app add $?"; ls -A
pvr get ../tree >/dev/null; pvr checkout; echo "checkout $?"; ls -A; cat a
`);
  assert.deepEqual(
    printed.filter((line) => line !== 'said'),
    ['clone 3', 'pool', 'export 3', 'app add 3', '.pvr', 'checkout 3', '.pvr', 'a', 'one'],
  );
});
