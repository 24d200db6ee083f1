/** A simulated machine with a prepared storage, for tests of what works on it. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createMemoryHost, type MemoryHost, type MemoryHostOptions } from '../../host/memory/host.ts';
import { type Files, HostError } from '../../host/ports.ts';
import type { StateFiles } from '../expand.ts';
import { storageLayout } from '../layout.ts';
import { createObjectStore, type ObjectStore, type SaveBody } from '../objects.ts';
import { prepareStorage } from '../prepare.ts';
import { readSpace } from '../space.ts';

export const layout = storageLayout({ storage: '/storage', logs: '/storage/logs' });

export const idOf = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex');

/** Store on a machine, with the reserve of 5 % that devices have. */
export function storeOn(host: MemoryHost): ObjectStore {
  return createObjectStore({ files: host.files, layout, space: () => readSpace(host.files, layout, 5) });
}

export async function storageMachine(options: MemoryHostOptions = {}): Promise<MemoryHost> {
  const host = createMemoryHost(options);
  await prepareStorage(host.files, layout, storeOn(host));
  return host;
}

/** A body that arrives in pieces, as an upload does. */
export function bodyOf(files: Files, pieces: readonly string[]): SaveBody {
  return async (path, admit) => {
    let size = 0;
    await files.write(path, '');
    for (const piece of pieces) {
      size += piece.length;
      if (!(await admit(size))) {
        await files.unlink(path);
        throw new HostError('EFBIG', 'save body', path);
      }
      await files.append(path, piece);
    }
    return { size, sha256: idOf(pieces.join('')) };
  };
}

/** Puts an object into the store and returns its id. */
export async function putObject(host: MemoryHost, content: string): Promise<string> {
  const id = idOf(content);
  assert.deepEqual((await storeOn(host).put(id, bodyOf(host.files, [content]))).ok, true);
  return id;
}

/** A state of one container, its objects already in the store. */
export async function exampleState(host: MemoryHost, tag: string): Promise<{ text: string; files: StateFiles }> {
  const root = await putObject(host, `root ${tag}`);
  const config = await putObject(host, `lxc.uts.name = ${tag}\n`);
  const bind = await putObject(host, `bind ${tag}`);
  const run = `{"name":"app",  "tag":"${tag}"}`;
  const text =
    `{"#spec":"pantavisor-service-system@1","app/root.squashfs":"${root}","app/lxc.container.conf":"${config}",` +
    `"app/data.bind":"${bind}","app/again/root.squashfs":"${root}","app/run.json":${run}}`;
  const owner = 'app';
  return {
    text,
    files: {
      objects: [
        { path: 'app/root.squashfs', id: root, owner },
        { path: 'app/lxc.container.conf', id: config, owner },
        { path: 'app/data.bind', id: bind, owner },
        { path: 'app/again/root.squashfs', id: root, owner },
      ],
      inline: [{ path: 'app/run.json', text: run, owner }],
    },
  };
}

/** Overwrites a file so that only its content changes, durably. */
export async function damage(files: Files, path: string): Promise<void> {
  await files.overwrite(path, Uint8Array.of(0), 0);
  await files.sync(path);
}
