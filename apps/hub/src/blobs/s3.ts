import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AwsClient } from 'aws4fetch';
import { Failure } from '../http/failure.ts';
import type { BlobStore } from './port.ts';
import { VerifiedContent } from './verify.ts';

export interface S3Options {
  /** e.g. `https://s3.eu-central-1.amazonaws.com`; the bucket becomes the first part of the path */
  endpoint: string;
  bucket: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/**
 * Blobs in an S3 bucket. An upload streams straight to its final key: S3 shows an object only when its whole body has
 * arrived, and the end of a wrong body is never sent.
 */
export class S3Blobs implements BlobStore {
  readonly #client: AwsClient;
  readonly #base: string;

  constructor({ endpoint, bucket, region, accessKeyId, secretAccessKey }: S3Options) {
    this.#client = new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3', retries: 3 });
    this.#base = `${endpoint.replace(/\/+$/, '')}/${bucket}`;
  }

  async size(key: string): Promise<number | undefined> {
    const response = await this.#client.fetch(this.#url(key), { method: 'HEAD' });
    if (response.status === 404) return undefined;
    if (!response.ok) throw await refused('look up', key, response);
    return Number(response.headers.get('content-length'));
  }

  async put(key: string, content: Readable, expected: { size: number; sha: string }): Promise<void> {
    const { url } = await this.#client.sign(`${this.#url(key)}?X-Amz-Expires=86400`, {
      method: 'PUT',
      aws: { signQuery: true },
    });
    const make = url.startsWith('https:') ? requestHttps : requestHttp;
    const outgoing = make(url, { method: 'PUT', headers: { 'content-length': expected.size } });
    const answered = new Promise<{ status: number; text: string }>((resolve, reject) => {
      outgoing.on('error', reject);
      outgoing.on('response', (response) => {
        response.setEncoding('utf8');
        let text = '';
        response.on('data', (piece: string) => {
          text += piece;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        response.on('error', reject);
      });
    });
    // The pipeline's error is the one to report; this one follows from it.
    answered.catch(() => undefined);
    await pipeline(content, new VerifiedContent(expected), outgoing);
    const { status, text } = await answered;
    if (status !== 200) throw s3Failure('store', key, status, text);
  }

  async get(key: string, range?: { start: number; end: number }) {
    const headers = range === undefined ? {} : { range: `bytes=${range.start}-${range.end}` };
    const response = await this.#client.fetch(this.#url(key), { headers });
    if (response.status === 404) return undefined;
    if (!response.ok || response.body === null) throw await refused('read', key, response);
    const whole = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1];
    return {
      stream: Readable.fromWeb(response.body),
      size: Number(whole ?? response.headers.get('content-length')),
      modified: Date.parse(response.headers.get('last-modified') ?? '') || 0,
    };
  }

  async remove(key: string): Promise<void> {
    const response = await this.#client.fetch(this.#url(key), { method: 'DELETE' });
    if (!response.ok && response.status !== 404) throw await refused('remove', key, response);
  }

  async *list(): AsyncIterable<{ key: string; modified: number }> {
    let after = '';
    for (;;) {
      const query = `list-type=2&max-keys=1000${after && `&start-after=${encodeURIComponent(after)}`}`;
      const response = await this.#client.fetch(`${this.#base}?${query}`);
      if (!response.ok) throw await refused('list', '*', response);
      const xml = await response.text();
      const pattern = /<Contents>.*?<Key>([^<]*)<\/Key>.*?<LastModified>([^<]*)<\/LastModified>.*?<\/Contents>/gs;
      for (const [, key = '', modified = ''] of xml.matchAll(pattern)) {
        after = key;
        yield { key, modified: Date.parse(modified) };
      }
      if (!xml.includes('<IsTruncated>true')) return;
    }
  }

  async tidy(): Promise<number> {
    return 0;
  }

  #url(key: string): string {
    return `${this.#base}/${key}`;
  }
}

async function refused(what: string, key: string, response: Response): Promise<Error> {
  return s3Failure(what, key, response.status, await response.text());
}

function s3Failure(what: string, key: string, status: number, text: string): Error {
  const code = /<Code>([^<]*)</.exec(text)?.[1] ?? '';
  if (status === 507 || code === 'QuotaExceeded' || code === 'XMinioStorageFull')
    return new Failure('storage-full', `cannot ${what} blob ${key}: the object storage is full`);
  return new Error(`cannot ${what} blob ${key}: the S3 server answered ${status} ${code}`);
}
