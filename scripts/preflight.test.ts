/** What the probes say when a facility is missing: programs that fail stand in for a kernel that cannot. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const skip = process.getuid?.() === 0 ? false : 'needs root';

describe('preflight', { skip, timeout: 60_000 }, () => {
  let fakes: string;
  beforeEach(() => {
    fakes = mkdtempSync(join(tmpdir(), 'preflight-test-'));
  });
  afterEach(() => rmSync(fakes, { recursive: true, force: true }));

  const fake = (name: string, script: string): void => {
    writeFileSync(join(fakes, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(fakes, name), 0o755);
  };
  const preflight = (wrapper: string[] = [], path = `${fakes}${delimiter}${process.env.PATH}`) => {
    const argv = [...wrapper, process.execPath, fileURLToPath(new URL('preflight.ts', import.meta.url))];
    const { status, stderr } = spawnSync(argv[0] ?? '', argv.slice(1), {
      env: { ...process.env, PATH: path, TMPDIR: fakes },
      encoding: 'utf8',
      timeout: 30_000,
    });
    const left = readdirSync(fakes).filter((name) => name.startsWith('pantavisor-preflight-'));
    assert.deepEqual(left, [], 'the working directory is gone');
    return { status, said: stderr };
  };

  test('says nothing on a machine that can', () => {
    assert.deepEqual(preflight(), { status: 0, said: '' });
  });

  test('names programs that are not there', () => {
    const { status, said } = preflight([], fakes);
    assert.equal(status, 69);
    assert.match(
      said,
      /^preflight: cannot run containers on this machine:\n {2}programs: not on the PATH: lxc-start, mksquashfs, /,
    );
  });

  // Else a checkout in a home directory could not be read by another user.
  const readEverywhere = ['--clear-groups', '--inh-caps', '+dac_override', '--ambient-caps', '+dac_override'];

  test('without root, that is all it says', () => {
    const { status, said } = preflight(['setpriv', '--reuid', '65534', ...readEverywhere]);
    assert.equal(status, 69);
    assert.match(said, /\n {2}root: the user id is 65534\n {4}Run this as root/);
  });

  test('root without the right to make namespaces: the kernel’s own word is passed on', () => {
    const { status, said } = preflight(['setpriv', '--bounding-set', '-sys_admin', '--inh-caps', '-sys_admin']);
    assert.equal(status, 69);
    assert.match(said, /mount and network namespaces: .*Operation not permitted\n/);
  });

  const realMount = '/bin/mount';
  for (const { facility, program, script } of [
    {
      facility: 'overlayfs',
      program: 'mount',
      script: `case "$*" in *overlay*) echo 'unknown filesystem type' >&2; exit 32 ;; *) exec ${realMount} "$@" ;; esac`,
    },
    {
      facility: 'squashfs with zstd',
      program: 'mount',
      script: `case "$*" in *squashfs*) echo 'wrong fs type' >&2; exit 32 ;; *) exec ${realMount} "$@" ;; esac`,
    },
    { facility: 'loop devices', program: 'losetup', script: `echo 'cannot find an unused loop device' >&2; exit 1` },
    {
      facility: 'network bridges and veth pairs',
      program: 'ip',
      script: `echo 'RTNETLINK answers: Operation not supported' >&2; exit 2`,
    },
    { facility: 'LXC containers', program: 'lxc-start', script: 'exit 1' },
  ]) {
    test(`names ${facility}`, () => {
      fake(program, script);
      const { status, said } = preflight();
      assert.equal(status, 69);
      assert.equal(said.split('\n').length - 1, 3, said);
      assert.ok(said.includes(`\n  ${facility}: `), said);
    });
  }
});
