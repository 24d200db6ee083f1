/** The program that the small host runs to prove its ports: the same suites as for the other hosts. */
import { testClock } from '../../testing/clock.ts';
import { testFiles } from '../../testing/files.ts';
import { testGzip } from '../../testing/gzip.ts';
import { type HttpServers, testHttpClient } from '../../testing/http-client.ts';
import { testMounts } from '../../testing/mounts.ts';
import { type SignatureCases, testSignatures } from '../../testing/signatures.ts';
import { testText } from '../../testing/text.ts';
import { testWatchdogs } from '../../testing/watchdogs.ts';
import { createSmallHost } from '../index.ts';
import { runAll } from './runner.ts';

const host = createSmallHost();
let made = 0;

async function directory(area: string): Promise<{ path: string; remove(): Promise<void> }> {
  made += 1;
  const path = `/tmp/small-host-${area}-${host.system.pid}-${made}`;
  await host.files.makeDirectory(path);
  return { path, remove: async () => void (await host.processes.run(['rm', '-rf', path])) };
}

testFiles('small', async () => {
  const { path, remove } = await directory('files');
  return { files: host.files, directory: path, dispose: remove };
});

testClock('small', async () => ({ clock: host.clock, settle: (promise) => promise }));

testText('small', () => host.text);

testMounts('small', async () => {
  const { path, remove } = await directory('mounts');
  return {
    mounts: host.mounts,
    files: host.files,
    directory: path,
    makeImage: async (image, content) => {
      const tree = await directory('tree');
      for (const [name, text] of Object.entries(content)) await host.files.write(`${tree.path}/${name}`, text);
      await host.processes.run([
        'mksquashfs',
        tree.path,
        image,
        '-noappend',
        '-no-progress',
        '-quiet',
        '-comp',
        'gzip',
      ]);
      await tree.remove();
      return { filesystem: 'squashfs' };
    },
    dispose: async () => {
      for (const { target } of (await host.mounts.list()).reverse())
        if (target === path || target.startsWith(`${path}/`)) await host.mounts.unmount(target, { detach: true });
      await remove();
    },
  };
});

/** Directory with material that only Node can make. */
const [material = ''] = host.system.arguments;

/** Read once: the megabytes of it are a good part of the memory there is. */
let cases: SignatureCases | undefined;

testSignatures('small', async () => {
  cases ??= JSON.parse(await host.files.readText(`${material}/signatures.json`)) as SignatureCases;
  return { signatures: host.signatures!, directory: `${material}/trust`, cases };
});

testHttpClient('small', async () => {
  const { path, remove } = await directory('http-client');
  return {
    client: host.httpClient!,
    files: host.files,
    text: host.text,
    directory: path,
    servers: JSON.parse(await host.files.readText(`${material}/servers.json`)) as HttpServers,
    dispose: remove,
  };
});

testWatchdogs('small', async () => {
  const { path, remove } = await directory('watchdogs');
  return { watchdogs: host.watchdogs, files: host.files, directory: path, dispose: remove };
});

testGzip('small', async () => {
  const { path, remove } = await directory('gzip');
  return {
    streams: host.streams,
    files: host.files,
    directory: path,
    unpack: async (file) => (await host.processes.run(['gzip', '-dc', file])).stdout,
    dispose: remove,
  };
});

runAll((line) => host.system.print('stdout', `${line}\n`)).then(() => host.system.exit(0));
