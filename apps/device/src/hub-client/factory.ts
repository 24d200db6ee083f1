/** The first upload: objects and state of the factory revision, which begin the device's trail at the Hub (hub-client §1.5). */
import type { ParseContext } from '@pantavisor/state';
import type { HttpClient } from '../host/http-client.ts';
import type { Files } from '../host/ports.ts';
import { readState } from '../revision/load.ts';
import { factoryRevision } from '../storage/factory.ts';
import type { StorageLayout } from '../storage/layout.ts';
import { readStateText } from '../storage/revisions.ts';
import { type HubConnection, HubError, parseObject } from './connection.ts';

export interface FactoryUploadParts {
  files: Files;
  client: HttpClient;
  connection: HubConnection;
  layout: StorageLayout;
  context: ParseContext;
}

export class FactoryUpload {
  readonly #parts: FactoryUploadParts;

  constructor(parts: FactoryUploadParts) {
    this.#parts = parts;
  }

  /** Uploads what the Hub does not have, then the state. An upload that was cut is done again from the object on. */
  async upload(): Promise<void> {
    const { files, layout, context, connection } = this.#parts;
    const text = await readStateText(files, layout, factoryRevision);
    if (text === undefined) throw new Error('cannot upload the factory revision: it is not on this device');
    const { state } = readState(text, context, layout.revision(factoryRevision).state);
    const names = new Map(state.objects.map(({ id, path }) => [id, path]));
    for (const [id, name] of names) await this.#uploadObject(id, name);
    await connection.ask({ what: 'begin the trail', method: 'POST', path: '/trails/', json: text });
  }

  async #uploadObject(id: string, name: string): Promise<void> {
    const { files, layout, connection } = this.#parts;
    const path = layout.object(id);
    const size = (await files.status(path))?.size;
    if (size === undefined) throw new Error(`cannot upload object ${id} of ${name}: it is not on this device`);
    const { status, text } = await connection.ask({
      what: `announce ${name}`,
      method: 'POST',
      path: '/objects/',
      body: { objectname: name, size: String(size), sha256sum: id },
      accepts: [409],
    });
    // The Hub has it already.
    if (status === 409) return;
    const { 'signed-puturl': url } = parseObject(text);
    if (typeof url !== 'string') throw new Error(`cannot upload ${name}: the Hub names no address for it`);
    await this.#put(url, path, name);
  }

  async #put(url: string, path: string, name: string): Promise<void> {
    const { client, connection } = this.#parts;
    const headers = { 'content-type': 'application/octet-stream' };
    const call = { ...connection.transport(), method: 'PUT', url, headers, body: { file: path } };
    const { status } = await client.request(call, 1024 * 1024);
    if (status !== 200) throw new HubError(`upload ${name}`, status, '');
  }
}
