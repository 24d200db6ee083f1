/**
 * `pvr app add` of an image of about 60 MB against what one does by hand: `skopeo copy`, `umoci unpack`, `mksquashfs` with the
 * same compression. Both from the same OCI layout, in the same run.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBenchOptions } from './measure/options.ts';
import { median, printTable, spread } from './measure/table.ts';

const { rounds } = readBenchOptions(import.meta.filename, { rounds: { fallback: 3, help: 'runs of each' } });
const pvr = join(import.meta.dirname, '../apps/pvr/bin/pvr');
const top = mkdtempSync(join(tmpdir(), 'pvr-bench-'));

function time(program: string, argv: readonly string[], cwd = top): number {
  const begin = performance.now();
  const { status, stderr, error } = spawnSync(program, argv, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, HOME: join(top, 'home') },
  });
  if (status !== 0) throw new Error(`${program} ${argv.join(' ')}: ${error?.message ?? stderr}`);
  return (performance.now() - begin) / 1000;
}

try {
  mkdirSync(join(top, 'home'));
  const files = join(top, 'files');
  mkdirSync(join(files, 'usr/share'), { recursive: true });
  cpSync('/usr/bin/perl', join(files, 'usr/perl'));
  // Half of it compresses, half does not: as in images.
  for (let index = 0; index < 30; index += 1)
    writeFileSync(join(files, `usr/share/random-${index}`), randomBytes(1024 * 1024));
  for (let index = 0; index < 600; index += 1)
    writeFileSync(join(files, `usr/share/text-${index}`), `line ${index}\n`.repeat(5000));
  const layout = join(top, 'layout');
  time('umoci', ['init', '--layout', layout]);
  time('umoci', ['new', '--image', `${layout}:v1`]);
  time('umoci', ['insert', '--image', `${layout}:v1`, files, '/']);
  mkdirSync(join(top, 'repository'));
  time(pvr, ['init'], join(top, 'repository'));
  const own: number[] = [];
  const hand: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    own.push(time(pvr, ['app', 'add', '--force', '--from', `oci:${layout}:v1`, 'app'], join(top, 'repository')));
    for (const name of ['copy', 'bundle', 'out.squashfs']) rmSync(join(top, name), { recursive: true, force: true });
    hand.push(
      time('skopeo', ['copy', '--insecure-policy', `oci:${layout}:v1`, `oci:${join(top, 'copy')}:v1`]) +
        time('umoci', ['unpack', '--image', `${join(top, 'copy')}:v1`, join(top, 'bundle')]) +
        time('mksquashfs', [
          join(top, 'bundle/rootfs'),
          join(top, 'out.squashfs'),
          '-comp',
          'zstd',
          '-quiet',
          '-no-progress',
        ]),
    );
  }
  printTable(
    'an image of 60 MB, seconds',
    ['', 'median (least..greatest)', 'ratio'],
    [
      ['pvr app add', spread(own, 2), (median(own) / median(hand)).toFixed(2)],
      ['skopeo + umoci + mksquashfs', spread(hand, 2), '1.00'],
    ],
  );
} finally {
  rmSync(top, { recursive: true, force: true });
}
