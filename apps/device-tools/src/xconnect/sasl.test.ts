import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { latinBytes, latinText } from './filter.ts';
import { SaslIdentity, uidOf } from './sasl.ts';

/** What goes on when a text comes in pieces of these lengths. */
function pass(uid: number, text: string, lengths: readonly number[] = [text.length]): string {
  const filter = new SaslIdentity(uid);
  let out = '';
  let at = 0;
  for (const length of [...lengths, text.length]) {
    out += latinText(filter.push(latinBytes(text.slice(at, at + length))) ?? new Uint8Array());
    at += length;
  }
  return out + latinText(filter.end());
}

describe('the handshake of D-Bus', () => {
  const cases: [name: string, sent: string, passed: string][] = [
    ['one step', '\0AUTH EXTERNAL 30\r\nBEGIN\r\n', '\0AUTH EXTERNAL 31303031\r\nBEGIN\r\n'],
    ['two steps', '\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n', '\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n'],
    ['a question first', '\0AUTH\r\nAUTH EXTERNAL 30\r\n', '\0AUTH\r\nAUTH EXTERNAL 31303031\r\n'],
    ['anonymous', '\0AUTH ANONYMOUS 78\r\nBEGIN\r\nl\x01\0', '\0AUTH ANONYMOUS 78\r\nBEGIN\r\nl\x01\0'],
    [
      'messages behind it',
      '\0AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\nAUTH EXTERNAL 30\r\n',
      '\0AUTH EXTERNAL 31303031\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\nAUTH EXTERNAL 30\r\n',
    ],
    ['a line that never ends', '\0AUTH', '\0AUTH'],
  ];
  for (const [name, sent, passed] of cases)
    it(`${name}, however it is cut`, () => {
      assert.equal(pass(1001, sent), passed);
      fc.assert(
        fc.property(fc.array(fc.integer({ min: 0, max: 9 })), (lengths) =>
          assert.equal(pass(1001, sent, lengths), passed),
        ),
      );
    });

  it('ends a handshake without a line', () => {
    assert.equal(new SaslIdentity(0).push(new Uint8Array(20_000).fill(65)), undefined);
  });

  it('never lets a client claim another user before messages begin', () => {
    const line = fc.constantFrom(
      'AUTH',
      'AUTH EXTERNAL 30',
      'AUTH  EXTERNAL 30',
      'CANCEL',
      'DATA',
      'ERROR x',
      'AUTH ANONYMOUS',
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), fc.array(fc.integer({ min: 1, max: 30 })), (lines, lengths) => {
        const text = `\0${lines.map((each) => `${each}\r\n`).join('')}`;
        const first = pass(7, text, lengths)
          .split('\r\n')
          .find((each) => /EXTERNAL \S/.test(each));
        if (first !== undefined) assert.match(first, /EXTERNAL 37$/);
      }),
    );
  });
});

it('a role is a number or a user of the provider', () => {
  const passwd = 'root:x:0:0::/root:/bin/sh\nbus:x:81:81::/:/bin/false\nbus:x:82:82::/:\nodd:x:-1:1\n';
  assert.equal(uidOf('12', passwd), 12);
  assert.equal(uidOf('bus', passwd), 81);
  assert.equal(uidOf('root', undefined), undefined);
  assert.equal(uidOf('any', passwd), undefined);
  assert.equal(uidOf('odd', passwd), undefined);
  assert.equal(uidOf('4294967295', passwd), undefined);
});
