import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { type CpioEntry, cpioArchive } from './cpio.ts';

const text = (content: string): CpioEntry => ({
  kind: 'file',
  mode: 0o644,
  content: new TextEncoder().encode(content),
});

test('an archive is what the cpio program reads, byte for byte the same whatever the order of entries', () => {
  const entries: [string, CpioEntry][] = [
    ['init', { kind: 'file', mode: 0o755, content: new TextEncoder().encode('#!/bin/sh\n') }],
    ['usr/lib/deep/file', text('abc')],
    ['usr/bin', { kind: 'link', target: '../bin' }],
    ['dev/console', { kind: 'character-device', mode: 0o600, major: 5, minor: 1 }],
  ];
  const archive = cpioArchive(new Map(entries));
  assert.deepEqual(archive, cpioArchive(new Map(entries.reverse())));
  const listing = execFileSync('cpio', ['-itvn', '--quiet'], { input: archive, encoding: 'utf8' }).trim().split('\n');
  assert.deepEqual(
    listing.map((line) => line.replace(/\s+/g, ' ').replace(/ Jan .*?\d{4} /, ' ')),
    [
      'drwxr-xr-x 2 0 0 0 dev',
      'drwxr-xr-x 2 0 0 0 usr',
      'drwxr-xr-x 2 0 0 0 usr/lib',
      'drwxr-xr-x 2 0 0 0 usr/lib/deep',
      'lrwxrwxrwx 1 0 0 6 usr/bin -> ../bin',
      'crw------- 1 0 0 5, 1 dev/console',
      '-rw-r--r-- 1 0 0 3 usr/lib/deep/file',
      '-rwxr-xr-x 1 0 0 10 init',
    ],
  );
  assert.equal(archive.length % 512, 0);
});

test('a path that could leave the archive is refused', () => {
  for (const path of ['', '/etc', 'a/../b', './a', 'a//b'])
    assert.throws(() => cpioArchive(new Map([[path, text('')]])), /cannot put/);
});
