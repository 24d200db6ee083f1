/** The set-up script in a machine made of fakes: a checkout of five files, and a PATH that holds only what the case gives it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

const coreTools = ['sh', 'sed', 'awk', 'grep', 'cat', 'cksum', 'tail', 'dirname', 'mkdir', 'uname', 'flock', 'chmod'];

describe('setup.sh', { timeout: 60_000 }, () => {
  let root: string;
  const checkout = (path: string): string => join(root, 'checkout', path);

  /** A program that notes its arguments in `calls` and then runs `body`. */
  const fake = (name: string, body: string, directory = join(root, 'bin')): void => {
    const path = join(directory, name);
    rmSync(path, { force: true });
    writeFileSync(path, `#!/bin/sh\necho "${name} $*" >>'${root}/calls'\n${body}\n`);
    chmodSync(path, 0o755);
  };
  const calls = (): string[] =>
    existsSync(join(root, 'calls')) ? readFileSync(join(root, 'calls'), 'utf8').trim().split('\n') : [];
  const setup = (...argv: string[]): { status: number | null; said: string } => {
    rmSync(join(root, 'calls'), { force: true });
    const { status, stdout, stderr } = spawnSync('/bin/sh', [checkout('scripts/setup.sh'), ...argv], {
      env: { PATH: join(root, 'bin') },
      encoding: 'utf8',
      timeout: 20_000,
    });
    assert.equal(stdout, '', 'everything for people goes to stderr');
    return { status, said: stderr };
  };
  /** dpkg-query that knows the packages listed in the file `installed`, and says nothing about others but fails, as the real one does. */
  const withPackages = (...names: string[]): void => {
    writeFileSync(join(root, 'installed'), names.map((name) => `${name} installed\n`).join(''));
    fake('dpkg-query', `cat '${root}/installed'; exit 1`);
  };
  const aptInstalls = `case "$*" in *install*) for name; do case $name in -*|install) ;; *) echo "$name installed" >>"$ROOT/installed" ;; esac; done ;; esac`;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'setup-test-'));
    for (const path of ['bin', 'checkout/scripts', 'checkout/packages/linux', 'checkout/apps/a']) {
      mkdirSync(join(root, path), { recursive: true });
    }
    copyFileSync(new URL('setup.sh', import.meta.url), checkout('scripts/setup.sh'));
    writeFileSync(checkout('scripts/debian-packages.txt'), '# comment\nlxc   container runtime\ngcc   compiler\n');
    for (const path of [
      'package.json',
      'package-lock.json',
      '.npmrc',
      'packages/linux/package.json',
      'apps/a/package.json',
    ]) {
      writeFileSync(checkout(path), `${path}\n`);
    }
    for (const tool of coreTools) {
      const path = ['/usr/bin', '/bin']
        .map((directory) => join(directory, tool))
        .find((candidate) => existsSync(candidate));
      symlinkSync(path ?? assert.fail(`no ${tool} on this machine`), join(root, 'bin', tool));
    }
    fake('id', 'echo 0');
    fake('apt-get', aptInstalls.replaceAll('$ROOT', root));
    // Installs a Node that answers to --version and notes the native build.
    mkdirSync(join(root, 'node'));
    fake('node', 'case "$1" in --version) echo v26.0.0 ;; esac', join(root, 'node'));
    fake(
      'npm',
      `mkdir -p node_modules/.bin && cp() { cat "$1" >"$2"; chmod 755 "$2"; } && cp '${root}/node/node' node_modules/.bin/node`,
    );
    withPackages('lxc', 'gcc');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  test('a fresh machine: installs what is missing and says so; the second run does and says nothing', () => {
    withPackages('gcc');
    const first = setup('--quiet');
    assert.equal(first.status, 0, first.said);
    assert.match(first.said, /^setup: installing Debian packages: lxc\nsetup: installing npm packages\n$/);
    assert.ok(calls().includes('apt-get install -y -qq --no-install-recommends lxc'));
    assert.ok(calls().includes('node packages/linux/build.ts'));
    const second = setup('--quiet');
    assert.deepEqual(second, { status: 0, said: '' });
    assert.deepEqual(
      calls().filter((call) => /^(apt-get|npm) /.test(call)),
      [],
    );
  });

  test('without --quiet it ends by saying which Node it uses', () => {
    assert.match(setup().said, /\nsetup: ready: Node v26\.0\.0, LXC missing\n$/);
  });

  test('a changed package.json of any workspace installs npm packages again', () => {
    setup();
    writeFileSync(checkout('apps/a/package.json'), 'changed\n');
    assert.match(setup('--quiet').said, /^setup: installing npm packages\n$/);
  });

  test('package lists are fetched only when installing fails without them', () => {
    withPackages();
    const install = aptInstalls.replaceAll('$ROOT', root);
    fake(
      'apt-get',
      `case "$*" in update*) touch '${root}/lists' ;; esac; [ -e '${root}/lists' ] || exit 100; ${install}`,
    );
    writeFileSync(join(root, 'bin', 'touch'), `#!/bin/sh\n: >"$1"\n`, { mode: 0o755 });
    const { status, said } = setup('--quiet');
    assert.equal(status, 0, said);
    assert.match(said, /fetching the lists of Debian packages/);
  });

  const refusals: { what: string; arrange: () => void; message: RegExp }[] = [
    {
      what: 'not root',
      arrange: () => {
        withPackages('gcc');
        fake('id', 'echo 1000');
      },
      message:
        /cannot continue: these Debian packages are missing: lxc\n.*root.*apt-get install --no-install-recommends lxc\n$/,
    },
    {
      what: 'no apt-get',
      arrange: () => {
        withPackages();
        rmSync(join(root, 'bin/apt-get'));
      },
      message: /cannot continue: these Debian packages are missing and there is no apt-get: lxc gcc\n$/,
    },
    {
      what: 'a package that apt-get cannot install',
      arrange: () => {
        withPackages('gcc');
        fake('apt-get', 'echo "E: Unable to locate package lxc"; exit 100');
      },
      message:
        /E: Unable to locate package lxc\nsetup: cannot continue: apt-get could not install: lxc\n.*build\/apt\.log\.\n$/,
    },
    {
      what: 'no dpkg',
      arrange: () => rmSync(join(root, 'bin/dpkg-query')),
      message:
        /cannot continue: this system has no dpkg, and these programs are missing: lxc-start mksquashfs busybox ip gcc\n/,
    },
    {
      what: 'no npm',
      arrange: () => rmSync(join(root, 'bin/npm')),
      message: /cannot continue: npm is missing\n.*nodejs npm/,
    },
    {
      what: 'npm that fails',
      arrange: () => fake('npm', 'echo "npm error network"; exit 1'),
      message: /npm error network\nsetup: cannot continue: npm could not install the packages\n/,
    },
    {
      what: 'a pinned Node that does not run',
      arrange: () => fake('npm', 'mkdir -p node_modules/.bin'),
      message: /cannot continue: the pinned Node does not run on this machine \(/,
    },
    {
      what: 'a native build that fails',
      arrange: () =>
        fake(
          'node',
          'case "$1" in --version|apps/*) ;; *) echo "build: no gcc" >&2; exit 1 ;; esac',
          join(root, 'node'),
        ),
      message: /build: no gcc\nsetup: cannot continue: the native build of packages\/linux failed\n$/,
    },
  ];
  for (const { what, arrange, message } of refusals) {
    test(`${what}: one message, exit code 69`, () => {
      arrange();
      const { status, said } = setup('--quiet');
      assert.match(said, message);
      assert.equal(status, 69);
      assert.equal(said.match(/cannot continue/g)?.length, 1);
    });
  }

  test('npm installs beside apt-get, and does not go on when that fails', async () => {
    withPackages('gcc');
    const noted = join(root, 'npm-pid');
    fake('npm', `echo $$ >'${noted}.new'; cat '${noted}.new' >'${noted}'; exec tail -f /dev/null`);
    fake('apt-get', `while [ ! -s '${noted}' ]; do :; done; echo 'E: broken'; exit 100`);
    const { status, said } = setup();
    assert.equal(status, 69);
    assert.match(said, /E: broken\nsetup: cannot continue: apt-get/);
    const pid = readFileSync(noted, 'utf8').trim();
    // Not a child of this process: it is gone, or without arguments until somebody reaps it, soon after it was killed.
    const runs = () => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '';
      } catch {
        return false;
      }
    };
    for (const deadline = performance.now() + 20_000; runs() && performance.now() < deadline; ) await pause(10);
    assert.ok(!runs(), 'npm goes on');
    assert.ok(!existsSync(checkout('node_modules/.setup-stamp')));
  });

  test('a failure of npm is not remembered as done', () => {
    fake('npm', 'exit 1');
    setup();
    assert.ok(!existsSync(checkout('node_modules/.setup-stamp')));
  });
});
