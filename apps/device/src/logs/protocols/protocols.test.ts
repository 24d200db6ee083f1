import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decodeUtf8, encodeUtf8 } from '../../host/memory/utf8.ts';
import type { Message } from '../entry.ts';
import { encodeLegacy, parseLegacy } from './binary.ts';
import { nextFrame, parseMessage } from './frames.ts';
import { parseJson } from './json.ts';
import { parseKeyValue } from './key-value.ts';
import { parseSyslog } from './syslog.ts';

const now = new Date(2026, 4, 17, 12, 0, 0).getTime();
const parse = (text: string) => parseMessage(encodeUtf8(text), now, decodeUtf8);

/** The message, or a failure that tells why there is none. */
function message(said: ReturnType<typeof parse>): Message {
  assert.ok(said.ok, said.ok ? '' : said.reason);
  assert.ok('message' in said);
  return said.message;
}

const words = fc.stringMatching(/^[a-zA-Z0-9_./-]{1,20}$/);
const texts = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', ''));

describe('a message is read as what it was written', () => {
  test('binary: every level, platform, source and data', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 7 }), words, words, fc.uint8Array(), (level, platform, source, data) => {
        const said = message(
          parseMessage(encodeLegacy({ level, platform, source, data }, encodeUtf8), now, decodeUtf8),
        );
        assert.deepEqual(said, { protocol: 'legacy', level, platform, source, data });
      }),
    );
  });
  test('JSON: every text, whatever has to be escaped', () => {
    fc.assert(
      fc.property(words, fc.string({ unit: 'grapheme' }), (src, text) => {
        const said = message(parse(JSON.stringify({ version: '0.1', level: 'warning', src, message: text, more: 1 })));
        assert.deepEqual(said, { protocol: 'json', level: 2, source: src, data: text });
      }),
    );
  });
  test('key and value: in any order, quoted or not', () => {
    fc.assert(
      fc.property(words, texts, fc.shuffledSubarray([0, 1, 2], { minLength: 3 }), (src, text, order) => {
        const quoted = text.replace(/[\\"]/g, '_');
        const pairs = ['level=Error', `src = ${src}`, `message="${quoted}"`];
        const said = message(parse(order.map((index) => pairs[index]).join('\t ')));
        assert.deepEqual(said, { protocol: 'key-value', level: 1, source: src, data: quoted });
      }),
    );
  });
  test('RFC 3164: severity, program without its number, message', () => {
    fc.assert(
      fc.property(fc.nat(191), fc.stringMatching(/^[a-z][a-z-]{0,15}$/), fc.boolean(), (priority, tag, host) => {
        const said = message(parse(`<${priority}>Mar  7 01:02:03 ${host ? 'box ' : ''}${tag}[12]: it: works\n`));
        assert.deepEqual(said, {
          protocol: 'rfc3164',
          level: [0, 0, 1, 1, 2, 3, 3, 4][priority % 8],
          source: tag,
          data: 'it: works',
          wall: new Date(2026, 2, 7, 1, 2, 3).getTime(),
        });
      }),
    );
  });
  test('RFC 5424: structured data with blanks and brackets, zones and fractions of seconds', () => {
    const text = '<11>1 2026-01-02T03:04:05.678+02:00 host app 1 ID [a b="c d"][e f="]"] the \u00fc message';
    assert.deepEqual(message(parse(text)), {
      protocol: 'rfc5424',
      level: 1,
      source: 'app',
      data: 'the \u00fc message',
      wall: Date.UTC(2026, 0, 2, 1, 4, 5, 678),
    });
    const bare = message(parse('<13>1 - - - - - - '));
    assert.deepEqual([bare.source, bare.data, bare.wall], ['unknown-app', '', now]);
  });
});

test('what is no message is refused with a reason, and nothing at all makes a parser fail', () => {
  for (const [text, reason] of [
    ['<1234>1 - - - - - - x', /at most 3 digits/],
    ['<13>yesterday x', /a time such as/],
    ['<13>Feb 31', /a time such as/],
    ['<13>1 2026-13-01T00:00:00Z h a p m - x', /no time/],
    ['<13>1 - h a p m [x y="', /does not end/],
    ['{"version":1,"level":"INFO","src":"a","message":"b"}', /version/],
    ['{"version":0,"level":"ALL","src":"a","message":"b"}', /no level/],
    ['[]', /no JSON object/],
    ['{', /no JSON/],
    ['hello', /level, src, message/],
    ['level=INFO src=a other=b message=c', /message must come/],
    ['', /must come/],
  ] as const) {
    const said = parse(text);
    assert.ok(!said.ok, text);
    assert.match(said.reason, reason, text);
  }
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `<13>1 ${text}`),
      ),
      (text) => {
        for (const said of [parse(text), parseJson(text), parseKeyValue(text), parseSyslog(text, now)])
          if (!said.ok) assert.notEqual(said.reason, '');
      },
    ),
  );
  fc.assert(fc.property(fc.uint8Array(), (bytes) => void parseLegacy(bytes, decodeUtf8)));
  fc.assert(fc.property(fc.uint8Array(), (bytes) => void parseMessage(bytes, now, decodeUtf8)));
});

test('only the runtime gives commands: they are told from messages', () => {
  const body = encodeUtf8('{"code":2,"data":"7"}');
  const bytes = new Uint8Array(8 + body.length);
  new DataView(bytes.buffer).setInt32(0, 256, true);
  new DataView(bytes.buffer).setInt32(4, body.length, true);
  bytes.set(body, 8);
  assert.deepEqual(parseMessage(bytes, now, decodeUtf8), {
    ok: true,
    command: { code: 2, name: 'start update', data: '7' },
  });
});

/** Messages that a reader finds in pieces. */
function messagesIn(pieces: readonly Uint8Array[]): string[] {
  const found: string[] = [];
  let bytes: Uint8Array = new Uint8Array();
  for (const [index, piece] of pieces.entries()) {
    const joined = new Uint8Array(bytes.length + piece.length);
    joined.set(bytes);
    joined.set(piece, bytes.length);
    bytes = joined;
    for (;;) {
      const frame = nextFrame(bytes, index === pieces.length - 1, decodeUtf8);
      if (frame.kind === 'incomplete') break;
      found.push(decodeUtf8(frame.bytes));
      if (!frame.more) return found;
      bytes = frame.rest;
    }
  }
  return found;
}

test('a message that comes in pieces is put together, wherever it is cut', () => {
  const binary = encodeLegacy({ level: 3, platform: 'p', source: 's', data: encodeUtf8('data {}') }, encodeUtf8);
  const json = encodeUtf8('{"version":0,"level":"INFO","src":"a","message":"}]\\"{"}');
  for (const whole of [binary, json]) {
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 5 }), (cuts) => {
        const places = [0, ...cuts.sort((left, right) => left - right), whole.length];
        const pieces = places.slice(1).map((end, index) => whole.slice(places[index], end));
        assert.deepEqual(messagesIn(pieces), [decodeUtf8(whole)]);
      }),
    );
  }
});

test('libc ends its messages on a stream by NUL and sends many over one connection', () => {
  const bytes = encodeUtf8('<13>Jan  1 00:00:00 a: one\0<13>Jan  1 00:00:00 a: two\0');
  assert.deepEqual(messagesIn([bytes]), ['<13>Jan  1 00:00:00 a: one', '<13>Jan  1 00:00:00 a: two']);
});
