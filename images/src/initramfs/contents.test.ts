/** The list of what an initramfs is made of, against what the runtime and its tools call. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { applets, directories, files, links, programs, tools } from './contents.ts';

const checkout = fileURLToPath(new URL('../../../', import.meta.url));
const sources = globSync('apps/{device,device-tools}/src/**/*.ts', {
  cwd: checkout,
  exclude: (path) => /\.test\.ts$|\/testing\/|\/host\/memory\//.test(path),
})
  .map((path) => readFileSync(`${checkout}${path}`, 'utf8'))
  .join('\n');

/** Programs that a board brings when it needs them (docs/boot.md). */
const ofBoards = [
  'caam-keygen',
  'keyctl',
  'x--pv-dcp-tool',
  'dcp-blob-create',
  'vcmailbox',
  'nft',
  'lxc-console',
  'flash_erase',
];

/** First words of command lines: in calls that run programs, and in lists that are given to them later. */
function called(): Set<string> {
  const inCalls =
    /(?:\brun(?:Program)?|#run|#succeeds|#call)\(\s*(?:[\w.]+, )?(?:`[^`]*`, |'[^']*', )?\[?'([a-z][\w.-]*)'[,\]]/g;
  const inLists = /\b(?:argv|add|check|look|repair|format|gentle|thorough)\b = (?:await )?\[\s*'([a-z][\w.-]*)'/g;
  return new Set([...sources.matchAll(inCalls), ...sources.matchAll(inLists)].map(([, name]) => name ?? ''));
}

const provided = new Set([
  ...programs.flatMap(({ files }) => files.map((path) => basename(path))),
  ...Object.values(applets).flat(),
  ...Object.keys(links).map((path) => basename(path)),
  ...tools,
]);

test('every program that the runtime or a tool calls is there, or is the board’s', () => {
  const names = called();
  for (const name of ['e2fsck', 'dmsetup', 'nsenter', 'iptables', 'modprobe', 'mkswap', 'dumpe2fs'])
    assert.ok(names.has(name), `the sources are not understood: ${name} is not found in ${[...names].join(' ')}`);
  assert.deepEqual(
    [...names].filter((name) => !provided.has(name) && !ofBoards.includes(name)),
    [],
  );
  for (const name of ofBoards) assert.ok(sources.includes(`'${name}'`), `${name} is called by nobody`);
});

test('nothing of a package is there that is not called', () => {
  const named = (name: string) => new RegExp(`['/]${name.replaceAll('.', '\\.')}['\`]`).test(sources);
  const helpers = /\.so$|\.conf$/;
  for (const { files: paths } of programs)
    for (const path of paths) {
      const other = Object.entries(links).find(([, target]) => target === basename(path))?.[0] ?? path;
      assert.ok(helpers.test(path) || named(basename(other)), `${path} is called by nobody`);
    }
});

test('each path is there once, and busybox has every applet', () => {
  const paths = [
    ...programs.flatMap((ingredient) => ingredient.files),
    ...Object.entries(applets).flatMap(([folder, names]) => names.map((name) => `${folder}/${name}`)),
    ...[...Object.keys(directories), ...Object.keys(files), ...Object.keys(links)],
    ...tools.map((name) => `usr/bin/${name}`),
  ];
  assert.deepEqual(
    paths.filter((path, index) => paths.indexOf(path) !== index),
    [],
  );
  const known = new Set(execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).split('\n'));
  assert.deepEqual(
    Object.values(applets)
      .flat()
      .filter((name) => !known.has(name)),
    [],
  );
});
