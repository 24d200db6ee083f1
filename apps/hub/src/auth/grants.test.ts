import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redirectAllowed } from './grants.ts';

test('a redirect address must lie below a registered one', () => {
  const registered = ['https://app.example/cb', 'http://localhost'];
  for (const fine of ['https://app.example/cb', 'https://app.example/cb/x?y=1', 'http://localhost:8123/any'])
    assert.equal(redirectAllowed(registered, fine), true, fine);
  for (const wrong of [
    'https://app.example.evil/cb',
    'https://app.example/cbx',
    'http://app.example/cb',
    'https://app.example:444/cb',
    'https://user@evil.example/cb',
    'javascript:alert(1)',
    'nonsense',
    'http://localhost.evil/',
  ])
    assert.equal(redirectAllowed(registered, wrong), false, wrong);
});
