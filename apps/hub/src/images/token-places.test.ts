import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { filled, placesIn, shortestPlace } from './token-places.ts';

const place = (length: number) => `PH_FACTORY_AUTOTOK=${'@'.repeat(length)}`;

test('a place is a key with enough signs behind it', () => {
  const image = Buffer.from(
    `\0\0PH_CREDS_HOST=x\n${place(48)}\nPH_CREDS_PORT=1\n${place(shortestPlace - 1)}\n${place(44)}\n`,
  );
  const found = placesIn(image, 1000);
  assert.deepEqual(
    found.map(({ at, length }) => [image.toString('latin1', at - 1000 - 1, at - 1000 + length), length]),
    [48, 44].map((length) => [`=${'@'.repeat(length)}`, length]),
  );
});

test('however an image is cut into pieces, the token comes out whole and nothing else changes', () => {
  const token = 'T'.repeat(32);
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'bb', '\n', place(40), place(64)), { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 40 }),
      (texts, cuts) => {
        const image = Buffer.from(`${texts.join('|')}|`);
        const places = placesIn(image, 0);
        assert.equal(places.length, texts.filter((text) => text.startsWith('PH_')).length);
        const pieces: Buffer[] = [];
        let from = 0;
        for (let index = 0; from < image.length; index += 1) {
          const to = Math.min(image.length, from + (cuts[index % cuts.length] ?? 1));
          pieces.push(filled(image.subarray(from, to), from, places, token));
          from = to;
        }
        const wanted = image.toString().replaceAll(/(PH_FACTORY_AUTOTOK=)(@+)/g, (_all, key: string, signs: string) => {
          return key + token + '\n'.repeat(signs.length - token.length);
        });
        assert.equal(Buffer.concat(pieces).toString(), wanted);
      },
    ),
  );
});
