import assert from 'node:assert/strict';
import test from 'node:test';
import { Failure } from '@pantavisor/cli';
import fc from 'fast-check';
import { compileTemplate } from './go-template.ts';
import { formatTime, namedLayouts } from './go-time.ts';
import { templateFunctions } from './template-functions.ts';

interface Entry {
  level: string;
  text: string;
  count: number;
}

const vocabulary = {
  fields: {
    Level: ({ level }: Entry) => level,
    Text: ({ text }: Entry) => text,
    Count: ({ count }: Entry) => count,
  },
  functions: templateFunctions,
};
const entry: Entry = { level: 'ERROR', text: 'cannot mount /dev/sda', count: 3 };
const show = (template: string): string => compileTemplate(template, vocabulary)(entry);

test('templates of Go give what Go gives', () => {
  const cases: [string, string][] = [
    ['plain', 'plain'],
    ['{{.Level}}: {{ .Text }}', 'ERROR: cannot mount /dev/sda'],
    ['{{if eq .Level "ERROR" "FATAL"}}!{{else}}.{{end}}', '!'],
    ['{{if and (gt .Count 2) (contains "mount" .Text)}}yes{{end}}', 'yes'],
    ['{{if lt .Count 3}}few{{else if eq .Count 3}}three{{else}}many{{end}}', 'three'],
    ['{{with .Level}}<{{. | lower}}>{{end}}{{with ""}}never{{else}}nothing{{end}}', '<error>nothing'],
    ['{{if not (hasPrefix "x" .Text)}}{{.Text | trunc 6 | quote}}{{end}}', '"cannot"'],
    ['{{printf "%-7s|%4d|%q|%%" .Level .Count "a b"}}', 'ERROR  |   3|"a b"|%'],
    ['{{ "test1234" | sprintf "%10s" }}', '  test1234'],
    ['{{ "/path/one" | basename }}', 'one'],
    ['a  {{- .Count -}}  b', 'a3b'],
    ['{{/* a remark */}}{{`raw }} text`}}\\t{{true}}', 'raw }} text\ttrue'],
    ['{{ default "none" "" }} {{ ternary "a" "b" (ge .Count 3) }} {{ add .Count 1 2 }}', 'none a 6'],
  ];
  for (const [template, expected] of cases) assert.equal(show(template), expected, template);
});

test('what is not understood is named', () => {
  const cases: [string, RegExp][] = [
    ['{{.Nothing}}', /no field \.Nothing/],
    ['{{explode .Text}}', /no function explode/],
    ['{{if .Level}}x', /"end" is missing/],
    ['{{end}}', /"end" stands without/],
    ['{{else}}', /"else" stands without/],
    ['{{if .Level}}a{{else}}b{{else}}c{{end}}', /"else" stands twice/],
    ['{{.Level', /not closed/],
    ['{{(lower .Level}}', /parenthesis/],
    ['{{.Level | }}', /a value is missing/],
    ['{{.Level .Text}}', /is no function/],
    ['{{constructor .Text}}', /no function constructor/],
  ];
  for (const [template, message] of cases) assert.throws(() => show(template), message, template);
});

test('no template does anything but give text or a failure', () => {
  const piece = fc.constantFrom(
    '{{',
    '}}',
    '.Text',
    'if ',
    'end',
    'else',
    '(',
    ')',
    '|',
    '"x"',
    '"',
    '`',
    ' ',
    'eq ',
    '-',
    '.',
    '3',
    '\\',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
      try {
        assert.equal(typeof show(pieces.join('')), 'string');
      } catch (error) {
        assert.ok(error instanceof Failure, String(error));
      }
    }),
  );
});

test('times have all layouts of Go', () => {
  const date = new Date('2026-05-01T08:04:09.120Z');
  const expected: Record<string, string> = {
    Layout: "05/01 08:04:09AM '26 +0000",
    ANSIC: 'Fri May  1 08:04:09 2026',
    UnixDate: 'Fri May  1 08:04:09 UTC 2026',
    RubyDate: 'Fri May 01 08:04:09 +0000 2026',
    RFC822: '01 May 26 08:04 UTC',
    RFC822Z: '01 May 26 08:04 +0000',
    RFC850: 'Friday, 01-May-26 08:04:09 UTC',
    RFC1123: 'Fri, 01 May 2026 08:04:09 UTC',
    RFC1123Z: 'Fri, 01 May 2026 08:04:09 +0000',
    RFC3339: '2026-05-01T08:04:09Z',
    RFC3339Nano: '2026-05-01T08:04:09.12Z',
    Kitchen: '8:04AM',
    Stamp: 'May  1 08:04:09',
    StampMilli: 'May  1 08:04:09.120',
    StampMicro: 'May  1 08:04:09.120000',
    StampNano: 'May  1 08:04:09.120000000',
    DateTime: '2026-05-01 08:04:09',
    DateOnly: '2026-05-01',
    TimeOnly: '08:04:09',
  };
  assert.deepEqual(
    Object.fromEntries(Object.keys(namedLayouts).map((name) => [name, formatTime(date, name)])),
    expected,
  );
  assert.equal(formatTime(date, '2.1.2006 3:04 pm'), '1.5.2026 8:04 am');
});
