import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { signalName } from '@pantavisor/linux';
import fc from 'fast-check';
import { createMemoryHost } from '../memory/host.ts';
import { createText } from '../node/text.ts';
import { MonitorPipe, exitsIn as readExits } from './monitor-pipe.ts';
import type { MessagePipe, ProcessDoor } from './process-door.ts';

const exitsIn = (bytes: Uint8Array) => readExits(bytes, signalName, createText());

function message(type: number, name: string, value: number): Buffer {
  const bytes = Buffer.alloc(264);
  bytes.writeInt32LE(type, 0);
  bytes.write(name, 4);
  bytes.writeInt32LE(value, 260);
  return bytes;
}

describe('messages of the LXC monitor', () => {
  it('tell exit codes and signals, the later one counts', () => {
    const bytes = Buffer.concat([
      message(0, 'web', 2),
      message(2, 'web', 3 << 8),
      message(2, 'db', 9),
      message(2, 'web', 7 << 8),
      message(2, 'segv', 11 | 0x80),
    ]);
    assert.deepEqual(
      [...exitsIn(bytes)],
      [
        ['web', { kind: 'code', code: 7 }],
        ['db', { kind: 'signal', signal: 'SIGKILL' }],
        ['segv', { kind: 'signal', signal: 'SIGSEGV' }],
      ],
    );
  });
  it('may be any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1000 }), (bytes) => {
        assert.ok(exitsIn(Buffer.from(bytes)).size <= bytes.length / 264);
      }),
    );
  });
});

it('the pipe stays open while it is read, also when its last container has ended meanwhile', async () => {
  const happened: string[] = [];
  let wake = () => {};
  const begun = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const answer = Promise.withResolvers<Uint8Array>();
  const pipe: MessagePipe = {
    read: async () => {
      wake();
      const bytes = await answer.promise;
      happened.push('read');
      return bytes;
    },
    close: async () => {
      happened.push('closed');
    },
  };
  const door = { openPipe: async () => pipe, signalName } as Partial<ProcessDoor> as ProcessDoor;
  const monitor = new MonitorPipe(createMemoryHost().files, door, createText(), '/containers');
  await monitor.acquire();
  const drained = monitor.drain();
  await begun;
  const released = monitor.release();
  answer.resolve(new Uint8Array());
  await Promise.all([drained, released]);
  assert.deepEqual(happened, ['read', 'closed']);
});
