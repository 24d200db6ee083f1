import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { makeWorkspace, type Workspace } from '../../apps/pvr/src/testing/workspace.ts';
import { makeImage, must, type Registry, skipWithoutRegistry, startRegistry } from './real-registry.ts';

const skip = skipWithoutRegistry();
const options = { skip, timeout: 120_000 };

const shaOf = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
const fileOf = (image: string, name: string): string => must('unsquashfs', ['-cat', image, name]);
const namesOf = (image: string): string[] =>
  must('unsquashfs', ['-l', '-d', '', image])
    .split('\n')
    .filter((line) => line.startsWith('/'))
    .map((line) => line.slice(1));

async function workspace(context: TestContext, environment: Record<string, string> = {}): Promise<Workspace> {
  const space = makeWorkspace(context, environment);
  await space.ok(['init']);
  return space;
}

async function pushed(context: TestContext): Promise<{ registry: Registry; image: string }> {
  const registry = await startRegistry(context);
  const image = makeImage(registry.directory, 'layout', 'hello');
  await registry.push(image, 'web:v1', 'oci');
  return { registry, image };
}

test(
  'an image of a registry becomes an app: layers, whiteouts, hard links, configuration',
  options,
  async (context) => {
    const { registry } = await pushed(context);
    const space = await workspace(context);
    await space.ok(['app', 'add', 'web', '--from', `${registry.host}/web:v1`, '--volume', '/data:revision']);
    const root = space.path('web/root.squashfs');
    const names = namesOf(root);
    assert.ok(names.includes('etc/tool') && names.includes('var/run') && names.includes('etc/conf.d/high'));
    assert.equal(names.includes('etc/removed'), false);
    assert.equal(names.includes('etc/conf.d/low'), false);
    assert.equal(fileOf(root, 'etc/greeting'), 'hello');
    must('unsquashfs', ['-pf', join(space.home, 'pseudo'), root]);
    assert.match(readFileSync(join(space.home, 'pseudo'), 'latin1'), /^bin\/hard L bin\/busybox$/m);
    const conf = readFileSync(space.path('web/lxc.container.conf'), 'utf8');
    assert.match(conf, /^lxc\.init\.cmd = \/bin\/sh "-c" "sleep 1000"$/m);
    assert.match(conf, /^lxc\.init\.cwd = \/etc$/m);
    assert.match(conf, /^lxc\.environment = GREETING=1$/m);
    const run = JSON.parse(readFileSync(space.path('web/run.json'), 'utf8'));
    assert.deepEqual(run.storage, {
      'docker--data': { persistence: 'revision' },
      'docker--var-lib-x': { persistence: 'permanent' },
      'lxc-overlay': { persistence: 'boot' },
    });
    const source = JSON.parse(readFileSync(space.path('web/src.json'), 'utf8'));
    assert.equal(source.docker_name, `${registry.host}/web`);
    assert.equal(source.docker_tag, 'v1');
    assert.match(source.docker_digest, new RegExp(`^${registry.host}/web@sha256:[0-9a-f]{64}$`));
    assert.equal(readFileSync(space.path('web/root.squashfs.docker-digest'), 'utf8'), source.docker_digest);
  },
);

test(
  'both families of media types, gzip and zstd layers, and archives give the same bytes',
  options,
  async (context) => {
    const { registry, image } = await pushed(context);
    await registry.push(image, 'web:docker', 'v2s2');
    must('skopeo', [
      'copy',
      '--insecure-policy',
      '--dest-tls-verify=false',
      '--dest-compress-format',
      'zstd',
      '--format',
      'oci',
      `oci:${image}`,
      `docker://${registry.host}/web:zstd`,
    ]);
    must('skopeo', [
      'copy',
      '--insecure-policy',
      `oci:${image}`,
      `docker-archive:${registry.directory}/image.tar:web:v1`,
    ]);
    must('skopeo', ['copy', '--insecure-policy', `oci:${image}`, `oci-archive:${registry.directory}/oci.tar`]);
    const shas = new Map<string, string>();
    for (const from of [
      `${registry.host}/web:v1`,
      `${registry.host}/web:docker`,
      `${registry.host}/web:zstd`,
      `oci:${image}`,
      `docker-archive:${registry.directory}/image.tar`,
      `oci-archive:${registry.directory}/oci.tar`,
    ]) {
      const space = await workspace(context);
      await space.ok(['app', 'add', '--from', from, 'web']);
      shas.set(from, shaOf(space.path('web/root.squashfs')));
    }
    assert.equal(new Set(shas.values()).size, 1, JSON.stringify([...shas], null, 2));
  },
);

test('a list of platforms: the device, a flag or this machine decides', options, async (context) => {
  const registry = await startRegistry(context);
  const manifests: unknown[] = [];
  for (const architecture of ['amd64', 'arm64']) {
    const image = makeImage(registry.directory, architecture, architecture);
    must('umoci', ['config', '--image', image, '--architecture', architecture]);
    await registry.push(image, `multi:${architecture}`, 'oci');
    const source = `docker://${registry.host}/multi:${architecture}`;
    const text = must('skopeo', ['inspect', '--raw', '--tls-verify=false', source]);
    const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    manifests.push({ mediaType, digest, size: text.length, platform: { os: 'linux', architecture } });
  }
  const put = await fetch(`http://${registry.host}/v2/multi/manifests/latest`, {
    method: 'PUT',
    headers: { 'content-type': 'application/vnd.oci.image.index.v1+json' },
    body: JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests }),
  });
  assert.equal(put.status, 201, await put.text());
  const space = await workspace(context);
  const add = async (name: string, ...more: string[]): Promise<string> => {
    await space.ok(['app', 'add', name, '--from', `${registry.host}/multi`, ...more]);
    return fileOf(space.path(`${name}/root.squashfs`), 'etc/greeting');
  };
  assert.equal(await add('flag', '--platform', 'linux/arm64'), 'arm64');
  assert.equal(JSON.parse(readFileSync(space.path('flag/src.json'), 'utf8')).docker_platform, 'linux/arm64');
  space.write({ '_hostconfig/pvr/docker.json': { platforms: ['linux/arm64'] } });
  await space.ok(['add', '_hostconfig']);
  await space.ok(['commit']);
  assert.equal(await add('device'), 'arm64');
  const none = await space.run([
    'app',
    'add',
    'none',
    '--from',
    `${registry.host}/multi`,
    '--platform',
    'linux/riscv64',
  ]);
  assert.equal(none.code, 3);
  assert.match(none.err, /it has linux\/amd64, linux\/arm64/);
  assert.equal(existsSync(space.path('none')), false);
});

test('tokens: flags, the configuration of docker, and credential helpers log in', options, async (context) => {
  const registry = await startRegistry(context, { robot: 'secret' });
  await registry.push(makeImage(registry.directory, 'layout', 'private'), 'web:v1', 'oci', 'robot:secret');
  const space = await workspace(context);
  const add = ['app', 'add', '--force', '--from', `${registry.host}/web:v1`, 'web'];
  const stranger = await space.run(add);
  assert.equal(stranger.code, 3);
  assert.match(stranger.err, /cannot log in at the registry/);
  assert.equal((await space.run([...add, '-u', 'robot', '-p', 'wrong'])).code, 3);
  await space.ok([...add, '-u', 'robot', '-p', 'secret']);
  const docker = join(space.home, '.docker/config.json');
  mkdirSync(join(space.home, '.docker'));
  writeFileSync(
    docker,
    JSON.stringify({ auths: { [registry.host]: { auth: Buffer.from('robot:secret').toString('base64') } } }),
  );
  await space.ok(add);
  const helpers = join(space.home, 'bin');
  mkdirSync(helpers);
  writeFileSync(
    join(helpers, 'docker-credential-test'),
    `#!/bin/sh\nread server\n[ "$server" = "${registry.host}" ] && echo '{"Username":"robot","Secret":"secret"}'\n`,
  );
  chmodSync(join(helpers, 'docker-credential-test'), 0o755);
  writeFileSync(docker, JSON.stringify({ credsStore: 'test' }));
  await space.ok(add, '.', { PATH: `${helpers}:${process.env.PATH}` });
});

test(
  'install builds what src.json names; update follows the tag; patches and bases are overlays',
  options,
  async (context) => {
    const { registry } = await pushed(context);
    const space = await workspace(context);
    await space.ok(['app', 'add', 'web', '--from', `${registry.host}/web:v1`]);
    const first = shaOf(space.path('web/root.squashfs'));
    await registry.push(makeImage(registry.directory, 'second', 'second'), 'web:v1', 'oci');

    const again = await space.run(['app', 'install', 'web']);
    assert.match(again.err, /root\.squashfs: already up to date/);
    rmSync(space.path('web/root.squashfs'));
    await space.ok(['app', 'install', 'web']);
    assert.equal(shaOf(space.path('web/root.squashfs')), first);

    await space.ok(['app', 'add', 'over', '--from', `${registry.host}/web:v1`, '--base', 'web']);
    const overlay = namesOf(space.path('over/root.ovl.squashfs'));
    assert.ok(overlay.includes('etc/greeting'));
    assert.equal(overlay.includes('bin/busybox'), false);
    assert.equal(JSON.parse(readFileSync(space.path('over/run.json'), 'utf8'))['root-volume'], 'root.ovl.squashfs');

    await space.ok(['app', 'update', '--patch', 'web']);
    assert.equal(shaOf(space.path('web/root.squashfs')), first);
    assert.equal(fileOf(space.path('web/root.ovl.squashfs'), 'etc/greeting'), 'second');
    assert.deepEqual(JSON.parse(readFileSync(space.path('web/run.json'), 'utf8')).volumes, ['root.ovl.squashfs']);
    await space.ok(['app', 'update', '--newbase', 'web']);
    assert.equal(fileOf(space.path('web/root.squashfs'), 'etc/greeting'), 'second');
    assert.equal(existsSync(space.path('web/root.ovl.squashfs')), false);
    assert.equal(await space.ok(['app', 'ls']), 'over\nweb\n');
    await space.ok(['app', 'rm', 'over']);
    assert.equal(await space.ok(['app', 'ls']), 'web\n');
  },
);

test('a mirror serves when the registry cannot, and a lying layer is refused', options, async (context) => {
  const { registry } = await pushed(context);
  const space = await workspace(context, { PVR_REGISTRY_MIRRORS: `registry.invalid=http://${registry.host}` });
  await space.ok(['app', 'add', 'web', '--from', 'registry.invalid/web:v1']);
  const blobs = must('find', [join(registry.directory, 'data'), '-name', 'data', '-size', '+300k'])
    .trim()
    .split('\n');
  const bytes = readFileSync(blobs[0]!);
  bytes[bytes.length - 20]! ^= 1;
  writeFileSync(blobs[0]!, bytes);
  const other = await workspace(context);
  const { code, err } = await other.run([
    'app',
    'add',
    'web',
    '--from',
    `${registry.host}/web:v1`,
    '--source',
    'remote',
    '--json',
  ]);
  assert.equal(code, 3);
  assert.match(err, /digest-mismatch/);
});
