import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type News, NewsReader } from './event-stream.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const message = (data: unknown) => `id: 1\nevent: x\ndata: ${JSON.stringify(data)}\n\n`;
const read = (text: string) => [...new NewsReader().push(bytesOf(text))];

test('messages say what is to be looked at anew; the device’s own words and comments say nothing', () => {
  const rows: [unknown, News[]][] = [
    [{ type: 'step', what: 'created', device: 'd', rev: 1 }, ['steps']],
    [{ type: 'step', what: 'cancelled', device: 'd', rev: 1 }, ['steps']],
    [{ type: 'step', what: 'progress', device: 'd', rev: 1 }, []],
    [{ type: 'device', what: 'user-meta', device: 'd' }, ['user-meta']],
    [{ type: 'device', what: 'device-meta', device: 'd' }, []],
    [{ type: 'lost', device: '' }, ['steps', 'user-meta']],
    [{ type: 'something of tomorrow' }, []],
    [null, []],
  ];
  for (const [data, news] of rows) assert.deepEqual(read(message(data)), news, JSON.stringify(data));
  assert.deepEqual(read(': welcome\nretry: 3000\n\n: still here\n\ndata: {\n\n'), []);
  assert.deepEqual(read(message({ type: 'step', what: 'created' }).replaceAll('\n', '\r\n')), ['steps']);
});

test('however a stream is cut, it says the same, and garbage says nothing', () => {
  const part = fc.oneof(
    fc.constantFrom(
      message({ type: 'step', what: 'created' }),
      message({ type: 'device', what: 'user-meta', name: 'é😀' }),
      ': still here\n\n',
    ),
    fc.string({ unit: 'binary', maxLength: 20 }).map((text) => `${text.replaceAll(/[\n\r]/g, '')}\n\n`),
  );
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 8 }),
      fc.array(fc.nat(40), { minLength: 1, maxLength: 8 }),
      (parts, cuts) => {
        const whole = bytesOf(parts.join(''));
        const expected = new NewsReader().push(whole);
        const reader = new NewsReader();
        const found = new Set<News>();
        let at = 0;
        for (let turn = 0; at < whole.length; turn += 1) {
          const next = at + 1 + (cuts[turn % cuts.length] ?? 0);
          for (const one of reader.push(whole.subarray(at, next))) found.add(one);
          at = next;
        }
        assert.deepEqual([...found].sort(), [...expected].sort());
      },
    ),
  );
});

test('a message without an end is not kept, and the next one counts', () => {
  const reader = new NewsReader();
  for (let count = 0; count < 100; count += 1) assert.equal(reader.push(bytesOf('x'.repeat(10_000))).size, 0);
  assert.deepEqual([...reader.push(bytesOf(`\n\n${message({ type: 'step', what: 'created' })}`))], ['steps']);
});
