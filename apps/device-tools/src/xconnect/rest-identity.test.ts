import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { latinBytes, latinText } from './filter.ts';
import { RestIdentity } from './rest-identity.ts';

const identity = { client: 'web', role: 'operator' };
const injected = 'X-PV-Client: web\r\nX-PV-Role: operator\r\n';

/** What goes on of a text that comes in pieces; undefined when the connection has to end. */
function pass(text: string, lengths: readonly number[] = []): string | undefined {
  const filter = new RestIdentity(identity);
  let out = '';
  let at = 0;
  for (const length of [...lengths, text.length]) {
    const passed = filter.push(latinBytes(text.slice(at, at + length)));
    if (passed === undefined) return undefined;
    out += latinText(passed);
    at += length;
  }
  return out + latinText(filter.end());
}

const get = (headers = '') => `GET /info HTTP/1.1\r\n${headers}\r\n`;
const told = (headers = '') => `GET /info HTTP/1.1\r\n${injected}${headers}\r\n`;

describe('a provider of HTTP is told who asks', () => {
  const body = 'GET / HTTP/1.1\r\nX-PV-Role: inside\r\n\r\n';
  const cases: [name: string, sent: string, passed: string | undefined][] = [
    ['in a request without headers', get(), told()],
    ['before all others', get('Host: x\r\n'), told('Host: x\r\n')],
    ['and not what the client says', get('X-PV-Role: root\r\nHost: x\r\nx-pv-client: boss\r\n'), told('Host: x\r\n')],
    ['nor in other spellings', get('X_PV_Role: root\r\nX-PV-ROLE : root\r\nX-Pv-Client\r\n'), told()],
    ['nor in continued lines', get('X-PV-Role:\r\n root\r\nA: b\r\n c\r\n'), told('A: b\r\n c\r\n')],
    ['nor behind the last of ours', get(' root\r\nA: b\r\n'), told('A: b\r\n')],
    ['nor behind a lone carriage return', get('A: b\rX-PV-Role: root\r\n'), told('A: b X-PV-Role: root\r\n')],
    ['with plain line feeds', 'GET / HTTP/1.0\nX-PV-Role: root\nA: b\n\n', `GET / HTTP/1.0\r\n${injected}A: b\r\n\r\n`],
    ['in HTTP/0.9', 'GET /\r\nX-PV-Role: root\r\n\r\n', `GET /\r\n${injected}\r\n`],
    ['in every request', get().repeat(3), told().repeat(3)],
    ['behind empty lines', `\r\n\n${get()}`, `\r\n\n${told()}`],
    [
      'behind a body of known length',
      `POST / HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}${get('X-PV-Role: root\r\n')}`,
      `POST / HTTP/1.1\r\n${injected}Content-Length: ${body.length}\r\n\r\n${body}${told()}`,
    ],
    [
      'behind a body in chunks',
      `POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)};x=y\r\n${body}\r\n0\r\nX-PV-Role: root\r\nT: u\r\n\r\n${get()}`,
      `POST / HTTP/1.1\r\n${injected}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)};x=y\r\n${body}\r\n0\r\nT: u\r\n\r\n${told()}`,
    ],
    [
      'once, where the length cannot be known',
      'POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\nConnection: keep-alive\r\n\r\nanything',
      `POST / HTTP/1.1\r\n${injected}Connection: close\r\nTransfer-Encoding: gzip\r\n\r\nanything`,
    ],
    [
      'once, where two lengths disagree',
      'POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc',
      `POST / HTTP/1.1\r\n${injected}Connection: close\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc`,
    ],
    ['not in other protocols', '\x16\x03\x01hello\r\n\r\n', '\x16\x03\x01hello\r\n\r\n'],
    ['not in words of another kind', 'HELLO 1\r\nX-PV-Role: a\r\n', 'HELLO 1\r\nX-PV-Role: a\r\n'],
    ['not in words without a line', 'ping', 'ping'],
    ['and nothing goes on of a head that never ends', 'GET / HTTP/1.1\r\nA: b', ''],
  ];
  for (const [name, sent, passed] of cases)
    it(`${name}, however it is cut`, () => {
      assert.equal(pass(sent), passed);
      fc.assert(fc.property(fc.array(fc.nat({ max: 40 })), (lengths) => assert.equal(pass(sent, lengths), passed)));
    });

  const refused: [name: string, sent: string][] = [
    ['a version whose headers are no text', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['blanks before a request', ` ${get()}`],
    ['odd blanks in a request', 'GET\x1f/ HTTP/1.1 x\r\n\r\n'],
    ['another protocol behind a request', `${get()}\x00\x01\x02`],
    ['a chunk without a size', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n'],
    ['a chunk that is longer than it says', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n'],
    ['a head without an end', `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(12_000)}`],
    ['a line without an end', `GET /${'x'.repeat(70_000)}`],
  ];
  for (const [name, sent] of refused) it(`refuses ${name}`, () => assert.equal(pass(sent), undefined));

  it('replaces what would end a header in a name', () => {
    const filter = new RestIdentity({ client: 'a\r\nb', role: 'ü\0' });
    assert.match(
      latinText(filter.push(latinBytes(get())) ?? new Uint8Array()),
      /\r\nX-PV-Client: a__b\r\nX-PV-Role: __\r\n\r\n/,
    );
  });

  const upgrade = 'GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';
  it('lets another protocol through once the provider has agreed', () => {
    const filter = new RestIdentity(identity);
    filter.push(latinBytes(upgrade));
    assert.equal(filter.push(latinBytes('\x81\x05hello'))?.length, 0);
    assert.equal(
      latinText(filter.answered(latinBytes('HTTP/1.1 101 Switching\r\n')) ?? new Uint8Array()),
      '\x81\x05hello',
    );
    assert.ok(filter.isDone);
  });

  it('goes on with HTTP when the provider has not', () => {
    const filter = new RestIdentity(identity);
    filter.push(latinBytes(upgrade));
    filter.push(latinBytes(get('X-PV-Role: root\r\n')));
    assert.equal(latinText(filter.answered(latinBytes('HTTP/1.1 200 OK\r\n')) ?? new Uint8Array()), told());
  });

  it('never lets a header of the client through that says who it is', () => {
    const piece = fc.constantFrom(
      'X-PV-Role: root',
      'x_pv_client:root',
      '\r\n',
      '\n',
      '\r',
      ' ',
      '\t',
      'A: b',
      'GET / HTTP/1.1',
      'POST /x HTTP/1.1',
      'Content-Length: 2',
      'Transfer-Encoding: chunked',
      '2\r\nab\r\n',
      '0\r\n\r\n',
      'ab',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 25 }), (pieces) => {
        const passed = pass(`GET / HTTP/1.1\r\n${pieces.join('')}\r\n\r\n`) ?? '';
        // Up to the first body everything is a head; what an unknown length lets through ends the connection.
        const [head = ''] = passed.split('\r\n\r\n');
        const said = head.split(/\r\n|\r|\n/).filter((line) => /^x[-_]pv[-_]/i.test(line));
        if (head !== '') assert.deepEqual(said, ['X-PV-Client: web', 'X-PV-Role: operator']);
      }),
      { numRuns: 500 },
    );
  });
});
