/** What clients should not do to the control socket, and what the others must not notice of it. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ControlClient } from '@pantavisor/ctrl-api/client';
import fc from 'fast-check';
import { startControl } from '../../apps/device/src/control/server.ts';
import { createScriptedRooms, type ScriptedRooms } from '../../apps/device/src/control/testing/scripted-rooms.ts';
import { createFiles } from '../../apps/device/src/host/node/files.ts';
import { createHttp } from '../../apps/device/src/host/node/http.ts';
import { createText } from '../../apps/device/src/host/node/text.ts';
import type { HttpServer } from '../../apps/device/src/host/ports.ts';
import { talk } from './suite.ts';

const options = { timeout: 120_000 };
const directory = mkdtempSync(join(tmpdir(), 'control-abuse-'));
const socketPath = join(directory, 'pv-ctrl');
const client = new ControlClient(socketPath, { timeout: 20_000 });
let rooms: ScriptedRooms;
let server: HttpServer;

before(async () => {
  rooms = await createScriptedRooms({ files: createFiles(), text: createText() }, join(directory, 'storage'));
  server = await startControl(createHttp(), socketPath, rooms);
});
after(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

const sha256 = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');
const countResponses = (text: string) => text.match(/HTTP\/1\.[01] \d{3} /g)?.length ?? 0;

const requestText = fc.constantFrom(
  'GET /containers HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'GET /steps HTTP/1.0\r\n\r\n',
  'PUT /containers/app HTTP/1.1\r\nHost: localhost\r\nContent-Length: 17\r\n\r\n{"action":"stop"}',
  'PUT /steps/locals/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"#sp\r\n0\r\n\r\n',
  `PUT /objects/${'a'.repeat(64)} HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde`,
  'POST /commands HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 30\r\n\r\n{"op":"RUN_GC","payload":"xx"}',
);
const damage = fc.record({ at: fc.nat(), kind: fc.constantFrom('flip', 'cut', 'double', 'insert'), byte: fc.nat(255) });

function damaged(text: string, changes: { at: number; kind: string; byte: number }[]): string {
  let result = text;
  for (const { at, kind, byte } of changes) {
    const index = result.length === 0 ? 0 : at % result.length;
    const letter = String.fromCharCode(byte);
    if (kind === 'flip') result = result.slice(0, index) + letter + result.slice(index + 1);
    else if (kind === 'cut') result = result.slice(0, index);
    else if (kind === 'double') result = result.slice(0, index) + result.slice(index, index + 40) + result.slice(index);
    else result = result.slice(0, index) + letter + result.slice(index);
  }
  return result;
}

/** Sends bytes, ends the sending side, and collects what comes. */
async function sayAndLeave(bytes: string): Promise<string> {
  const socket = connect({ path: socketPath, allowHalfOpen: true });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => {});
  socket.end(bytes, 'latin1');
  await Promise.race([once(socket, 'close'), once(socket, 'end')]);
  socket.destroy();
  return Buffer.concat(chunks).toString('latin1');
}

test('damaged requests are answered in whole or not at all, and nobody else notices', options, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(requestText, { minLength: 1, maxLength: 4 }),
      fc.array(damage, { maxLength: 4 }),
      async (parts, changes) => {
        const answer = await sayAndLeave(damaged(parts.join(''), changes));
        if (answer !== '') assert.match(answer, /^HTTP\/1\.1 [1-5]\d\d /);
        assert.ok(countResponses(answer) <= 2 * parts.length + 4);
      },
    ),
    { numRuns: 300 },
  );
  assert.equal((await client.groups()).length, 2);
  assert.deepEqual(rooms.failures, []);
});

test('bytes at random never stop the server', options, async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
      await sayAndLeave(Buffer.from(bytes).toString('latin1'));
    }),
    { numRuns: 200 },
  );
  assert.equal((await client.groups()).length, 2);
});

test('a thousand clients that say nothing keep nobody from being answered', options, async () => {
  const idle: Socket[] = [];
  try {
    // A hundred at a time, and one that is answered after them: the kernel turns away what does not fit into the accept queue.
    for (let group = 0; group < 11; group += 1) {
      const sockets = Array.from({ length: 100 }, () =>
        connect(socketPath)
          .on('error', () => {})
          .resume(),
      );
      idle.push(...sockets);
      await Promise.all(sockets.map((socket) => once(socket, 'connect')));
      await client.groups();
    }
    const answers = await Promise.all(Array.from({ length: 50 }, () => client.groups()));
    assert.equal(answers.length, 50);
  } finally {
    for (const socket of idle) socket.destroy();
  }
});

test('a hundred slow uploads do not slow others down to a stop', options, async () => {
  const slow = Array.from({ length: 100 }, () => {
    const socket = connect(socketPath);
    socket.on('error', () => {}).resume();
    socket.write(`PUT /objects/${'b'.repeat(64)} HTTP/1.1\r\nContent-Length: 1000000\r\n\r\nsome`);
    return socket;
  });
  try {
    const content = randomBytes(100_000);
    await client.putObject(sha256(content), content);
    assert.equal((await client.containers()).length, 3);
  } finally {
    for (const socket of slow) socket.destroy();
  }
});

test('uploads that break off leave nothing behind', options, async () => {
  const objects = join(directory, 'storage', 'objects');
  const id = 'c'.repeat(64);
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      const socket = connect(socketPath);
      socket.on('error', () => {});
      socket.write(`PUT /objects/${id} HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n`);
      await new Promise((resolve) => socket.write(Buffer.alloc(1_500_000), resolve));
      socket.destroy();
    }),
  );
  const left = () => readdirSync(objects).filter((name) => name.startsWith('cccc'));
  // The server learns of each end in its own time; each answer to another request gives it one.
  for (let turn = 0; turn < 1000 && left().length > 0; turn += 1) await client.groups();
  assert.deepEqual(left(), []);
});

test('clients that upload the same object at once all succeed', options, async () => {
  const content = randomBytes(2_000_000);
  const id = sha256(content);
  await Promise.all(Array.from({ length: 8 }, () => client.putObject(id, content)));
  const pieces: Uint8Array[] = [];
  for await (const piece of await client.getObject(id)) pieces.push(piece);
  assert.deepEqual(Buffer.concat(pieces), content);
});

test('of clients that put different states under one name, one wins as a whole', options, async () => {
  const states = Array.from(
    { length: 12 },
    (_, index) => `{"#spec":"pantavisor-service-system@1"}${' '.repeat(index)}`,
  );
  await Promise.all(states.map((state) => client.putStep('locals/raced', state)));
  assert.ok(states.includes(await client.step('locals/raced')));
  assert.equal((await client.stepProgress('locals/raced')).status, 'NEW');
  const messages = ['one', 'two', 'three', 'four'];
  await Promise.all(messages.map((message) => client.setStepMessage('locals/raced', message)));
  const step = (await client.steps()).find(({ name }) => name === 'locals/raced');
  assert.ok(messages.includes(step?.commitmsg ?? ''));
});

test('a client that reads its answer slowly holds up nobody', options, async () => {
  const content = randomBytes(8_000_000);
  await client.putObject(sha256(content), content);
  const socket = connect(socketPath);
  socket.on('error', () => {});
  socket.pause();
  socket.write(`GET /objects/${sha256(content)} HTTP/1.1\r\nConnection: close\r\n\r\n`);
  for (let turn = 0; turn < 20; turn += 1) assert.equal((await client.groups()).length, 2);
  let received = 0;
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
  });
  socket.resume();
  await once(socket, 'close');
  assert.ok(received > content.length);
});

test('a hundred requests sent in one go are answered in order', options, async () => {
  const text = await talk(
    socketPath,
    `${Array.from({ length: 100 }, (_, index) => `GET /none-${index} HTTP/1.1\r\n\r\n`).join('')}GET /last HTTP/1.1\r\nConnection: close\r\n\r\n`,
  );
  const asked = [...text.matchAll(/unknown endpoint: \/none-(\d+)/g)].map((match) => Number(match[1]));
  assert.deepEqual(
    asked,
    Array.from({ length: 100 }, (_, index) => index),
  );
});
