import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { readTar } from './tar.ts';

const decoder = new TextDecoder();
const decode = (bytes: Uint8Array) => decoder.decode(bytes);

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(bytes: Uint8Array, size = 1000, take = (_: string) => true): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name, isFile, content } of readTar(inPieces(bytes, size), decode)) {
    if (!isFile || !take(name)) continue;
    const pieces: Uint8Array[] = [];
    for await (const piece of content) pieces.push(piece);
    found[name] = Buffer.concat(pieces).toString();
  }
  return found;
}

function pack(t: TestContext, files: Record<string, string>, format: string): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), 'control-tar-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return execFileSync('tar', ['-C', directory, `--format=${format}`, '-cf', '-', 'd'], { maxBuffer: 1 << 26 });
}

test('reads what tar writes in every format, with long names and any content, in any pieces', async (t) => {
  const short = { 'd/empty': '', 'd/block': 'x'.repeat(512), 'd/more': 'y'.repeat(10_001), 'd/sub/däda': 'ü' };
  const long = { ...short, [`d/${'long-'.repeat(40)}`]: 'named', [`d/${'deep/'.repeat(40)}file`]: 'deep' };
  for (const [format, files] of Object.entries({ ustar: short, gnu: long, posix: long, v7: short })) {
    const bytes = pack(t, files, format);
    for (const size of [7, 512, bytes.length]) assert.deepEqual(await read(bytes, size), files, format);
    const some = await read(bytes, 700, (name) => name === 'd/empty' || name.includes('däda'));
    assert.deepEqual(some, { 'd/empty': '', 'd/sub/däda': 'ü' }, 'what is not read is skipped');
  }
});

test('an archive that was cut or damaged is an error, never another content', async (t) => {
  const files = { 'd/one': '1'.repeat(700), 'd/two': '2' };
  const bytes = pack(t, files, 'gnu');
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length), async (length) => {
      const found = await read(bytes.subarray(0, length)).catch((error: unknown) => {
        assert.ok(error instanceof Error);
        return {};
      });
      for (const [name, text] of Object.entries(found)) assert.equal(text, files[name as keyof typeof files]);
    }),
  );
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 2000 }), async (noise) => {
      if (noise.subarray(0, 512).some((byte) => byte !== 0)) await assert.rejects(read(noise), /archive/);
    }),
  );
});
