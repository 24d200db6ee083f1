import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { describe, it } from 'node:test';
import { attachLoop, detachLoop, mountImage } from './loop.ts';
import { mount, moveMount, openTree, unmount } from './mount.ts';
import { nsexecArguments } from './namespaces.ts';
import { addBridge, deleteBridge, setInterfaceAddress, setInterfaceUp } from './network.ts';
import { receiveDescriptors, socketPair, waitReadable } from './socket.ts';

const options = { skip: process.getuid?.() === 0 ? false : 'needs root', timeout: 60_000 };
const mountTable = () => readFileSync('/proc/self/mountinfo', 'utf8');

function inFolder(body: (folder: string) => Promise<void>) {
  return async () => {
    const folder = realpathSync(mkdtempSync(`${tmpdir()}/linux-mount-`));
    try {
      await body(folder);
    } finally {
      const left = mountTable()
        .split('\n')
        .map((line) => line.split(' ')[4] ?? '')
        .filter((target) => target.startsWith(folder));
      for (const target of left.reverse()) await unmount(target, ['detach']);
      rmSync(folder, { recursive: true });
    }
  };
}

function makeImage(folder: string): string {
  mkdirSync(`${folder}/tree`);
  writeFileSync(`${folder}/tree/hello`, 'world');
  execFileSync('mksquashfs', [
    `${folder}/tree`,
    `${folder}/image`,
    '-noappend',
    '-quiet',
    '-no-progress',
    '-comp',
    'gzip',
  ]);
  return `${folder}/image`;
}

/** Loop devices that have this image behind them. */
function loopsOf(image: string): string[] {
  return readdirSync('/sys/block').filter((name) => {
    const file = `/sys/block/${name}/loop/backing_file`;
    return name.startsWith('loop') && existsSync(file) && readFileSync(file, 'utf8').startsWith(image);
  });
}

describe('mounting', () => {
  it(
    'takes readable flags',
    options,
    inFolder(async (folder) => {
      await mount({
        source: 'tmpfs',
        target: folder,
        type: 'tmpfs',
        flags: ['nosuid', 'nodev', 'noexec', 'noatime'],
        data: 'size=1m,mode=700',
      });
      const line = mountTable()
        .split('\n')
        .find((each) => each.includes(` ${folder} `));
      assert.match(line ?? '', /rw,nosuid,nodev,noexec,noatime .*size=1024k,mode=700/);
      await unmount(folder);
      await assert.rejects(unmount(folder), { code: 'EINVAL', syscall: 'umount2', path: folder });
    }),
  );
  it('says what was to be mounted where', options, async () => {
    await assert.rejects(mount({ source: '/dev/none', target: '/no/such', type: 'ext4' }), {
      code: 'ENOENT',
      errno: -2,
      syscall: 'mount',
      path: '/dev/none',
      dest: '/no/such',
      message: 'cannot mount /dev/none -> /no/such: No such file or directory (ENOENT)',
    });
  });
  it('refuses options that the kernel would cut', options, async () => {
    await assert.rejects(mount({ source: 'x', target: '/tmp', type: 'tmpfs', data: 'x'.repeat(4096) }), {
      code: 'E2BIG',
    });
  });
  it(
    'clones a tree and attaches it elsewhere',
    options,
    inFolder(async (folder) => {
      for (const name of ['a', 'b']) mkdirSync(`${folder}/${name}`);
      writeFileSync(`${folder}/a/f`, 'x');
      const tree = await openTree(`${folder}/a`, ['clone']);
      try {
        await moveMount(tree, `${folder}/b`);
        assert.equal(readFileSync(`${folder}/b/f`, 'utf8'), 'x');
      } finally {
        closeSync(tree);
      }
      await unmount(`${folder}/b`);
      await assert.rejects(openTree(`${folder}/none`), { code: 'ENOENT', syscall: 'open_tree' });
    }),
  );
});

describe('loop devices', () => {
  it(
    'come and go with their mounts, many at once',
    options,
    inFolder(async (folder) => {
      const image = makeImage(folder);
      const targets = Array.from({ length: 12 }, (_, index) => `${folder}/m${index}`);
      for (const target of targets) mkdirSync(target);
      await Promise.all(targets.map((target) => mountImage({ image, target, filesystem: 'squashfs', readOnly: true })));
      for (const target of targets) assert.equal(readFileSync(`${target}/hello`, 'utf8'), 'world');
      assert.equal(loopsOf(image).length, targets.length);
      await Promise.all(targets.map((target) => unmount(target)));
      assert.deepEqual(loopsOf(image), []);
    }),
  );
  it(
    'are freed when the mount fails',
    options,
    inFolder(async (folder) => {
      writeFileSync(`${folder}/image`, Buffer.alloc(65_536));
      await assert.rejects(
        mountImage({ image: `${folder}/image`, target: folder, filesystem: 'squashfs', readOnly: true }),
        {
          code: 'EINVAL',
          syscall: 'mount',
        },
      );
      assert.deepEqual(loopsOf(`${folder}/image`), []);
      await assert.rejects(
        mountImage({ image: `${folder}/none`, target: folder, filesystem: 'squashfs', readOnly: true }),
        {
          code: 'ENOENT',
          path: `${folder}/none`,
        },
      );
    }),
  );
  it(
    'stay when they are not to be cleared, until they are detached',
    options,
    inFolder(async (folder) => {
      const image = makeImage(folder);
      const { device, descriptor } = await attachLoop(image, { readOnly: true, autoclear: false });
      closeSync(descriptor);
      try {
        assert.deepEqual(loopsOf(image), [device.replace('/dev/', '')]);
        assert.equal(readFileSync(`/sys/block/${device.replace('/dev/', '')}/ro`, 'utf8').trim(), '1');
      } finally {
        await detachLoop(device);
      }
      assert.deepEqual(loopsOf(image), []);
      await assert.rejects(detachLoop(device), { code: 'ENXIO', path: device });
    }),
  );
});

describe('bridges', () => {
  it('are made, addressed, switched and removed', options, () => {
    const name = `lx${process.pid}`;
    addBridge(name);
    try {
      assert.throws(() => addBridge(name), { code: 'EEXIST', path: name });
      setInterfaceAddress(name, '10.255.253.9', 29);
      setInterfaceUp(name, true);
      assert.match(execFileSync('ip', ['-4', '-o', 'addr', 'show', name], { encoding: 'utf8' }), /10\.255\.253\.9\/29/);
      assert.throws(() => setInterfaceAddress(name, '10.0.0.256', 8), TypeError);
      assert.throws(() => setInterfaceAddress(name, '10.0.0.1', 33), TypeError);
      assert.throws(() => deleteBridge(name), { code: 'EBUSY' });
    } finally {
      setInterfaceUp(name, false);
      deleteBridge(name);
    }
    assert.throws(() => deleteBridge(name), { code: 'ENXIO' });
    assert.throws(() => addBridge('a-name-of-16-byt'), TypeError);
    assert.throws(() => addBridge(''), TypeError);
  });
});

describe('nsexec', () => {
  /** A process in namespaces of its own, with a tmpfs on `folder` that only it sees. */
  async function inNamespaces(folder: string, body: (pid: number) => Promise<void>): Promise<void> {
    const script = `mount -t tmpfs tmpfs ${folder} && echo secret > ${folder}/f && hostname other && echo ready && exec sleep 1000`;
    const child = spawn('unshare', ['--mount', '--uts', '--net', '--ipc', 'sh', '-c', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(child.stdout, 'data');
      assert.ok(child.pid);
      await body(child.pid);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
  async function descriptorFrom(argv: string[]): Promise<{ code: number; stderr: string; descriptors: number[] }> {
    const [mine, theirs] = socketPair();
    try {
      const child = spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', 'ignore', 'pipe', theirs] });
      let stderr = '';
      child.stderr?.on('data', (chunk) => {
        stderr += chunk;
      });
      const [code] = await once(child, 'close');
      if (code !== 0) return { code, stderr, descriptors: [] };
      await waitReadable(mine);
      return { code, stderr, descriptors: receiveDescriptors(mine).descriptors };
    } finally {
      closeSync(mine);
      closeSync(theirs);
    }
  }

  it(
    'runs a program there and gives its end back',
    options,
    inFolder(async (folder) => {
      await inNamespaces(folder, async (pid) => {
        const [program, ...rest] = nsexecArguments(pid, ['mnt', 'uts', 'net', 'ipc'], {
          verb: 'exec',
          argv: ['sh', '-c', `cat ${folder}/f; hostname; ls /sys/class/net >/dev/null; exit 6`],
        });
        const child = spawn(program!, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
        let text = '';
        child.stdout.on('data', (chunk) => {
          text += chunk;
        });
        const [code] = await once(child, 'close');
        assert.deepEqual([code, text], [6, 'secret\nother\n']);
      });
      assert.notEqual(hostname(), 'other');
    }),
  );
  it(
    'opens a file there',
    options,
    inFolder(async (folder) => {
      await inNamespaces(folder, async (pid) => {
        const { code, descriptors } = await descriptorFrom(
          nsexecArguments(pid, ['mnt'], { verb: 'open', path: `${folder}/f` }),
        );
        assert.equal(code, 0);
        assert.equal(readFileSync(descriptors[0]!, 'utf8'), 'secret\n');
        closeSync(descriptors[0]!);
        const failed = await descriptorFrom(nsexecArguments(pid, ['mnt'], { verb: 'open', path: `${folder}/none` }));
        assert.deepEqual(failed, {
          code: 125,
          stderr: `nsexec: cannot open ${folder}/none: No such file or directory\n`,
          descriptors: [],
        });
      });
    }),
  );
  it(
    'listens there, and connects there',
    options,
    inFolder(async (folder) => {
      await inNamespaces(folder, async (pid) => {
        const path = `${folder}/socket`;
        const server = await descriptorFrom(nsexecArguments(pid, ['mnt'], { verb: 'listen', path, mode: 0o660 }));
        assert.equal(server.code, 0, server.stderr);
        assert.equal(existsSync(path), false);
        const again = await descriptorFrom(nsexecArguments(pid, ['mnt'], { verb: 'listen', path, mode: 0o660 }));
        assert.equal(again.code, 0, again.stderr);
        const client = await descriptorFrom(nsexecArguments(pid, ['mnt'], { verb: 'connect', path }));
        assert.equal(client.code, 0, client.stderr);
        // The server's socket is readable when a connection waits in it.
        await waitReadable(again.descriptors[0]!);
        for (const each of [server, again, client]) closeSync(each.descriptors[0]!);
      });
    }),
  );
  it('says what it was given wrongly', options, async () => {
    const none = await descriptorFrom(nsexecArguments(2 ** 22 - 1, ['mnt'], { verb: 'open', path: '/x' }));
    assert.match(none.stderr, /^nsexec: cannot find process 4194303: /);
    const usage = await descriptorFrom(nsexecArguments(process.pid, ['user' as 'mnt'], { verb: 'open', path: '/x' }));
    assert.match(usage.stderr, /^usage: nsexec PID/);
    assert.equal(usage.code, 125);
  });
});
