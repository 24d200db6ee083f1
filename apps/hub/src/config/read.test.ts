import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConfigError, parseDuration, readConfig } from './read.ts';

const noFile = () => undefined;

test('command line wins over environment over file over built-in', () => {
  const readFile = () => '{"port": 1, "host": "file", "mail": "console"}';
  const config = readConfig({
    flags: { port: '3' },
    env: { PANTAHUB_PORT_INT: '2', PANTAHUB_LISTEN: 'env' },
    readFile,
  });
  assert.deepEqual([config.port, config.host, config.mail, config.blobs], [3, 'env', 'console', 'local']);
});

test('all problems are told at once, secrets are not repeated', () => {
  const readFile = () => '{"prot": 1, "tls": "maybe"}';
  assert.throws(
    () => readConfig({ flags: { port: 'x', 'gc-grace': 'PT1H' }, env: { PANTAHUB_STORAGE_DRIVER: 's3' }, readFile }),
    (error: ConfigError) => {
      assert.ok(error instanceof ConfigError);
      for (const part of ["'prot'", "'maybe'", '--port', 's3-endpoint', 's3-access-key', 's3-secret-key', 'gc-grace'])
        assert.ok(
          error.problems.some((problem) => problem.includes(part)),
          `${part} in ${error.message}`,
        );
      return true;
    },
  );
});

test('durations', () => {
  assert.equal(parseDuration('P2D'), 172_800_000);
  assert.equal(parseDuration('P1W2DT3H4M5S'), ((9 * 24 + 3) * 3600 + 245) * 1000);
  for (const wrong of ['', 'P', 'PT', '2D', 'P2', 'P-1D', 'P1Y']) assert.equal(parseDuration(wrong), undefined, wrong);
  fc.assert(
    fc.property(fc.nat(1000), fc.nat(1000), (d, m) => parseDuration(`P${d}DT${m}M`) === (d * 1440 + m) * 60_000),
  );
});

test('built-in values are valid', () => {
  assert.equal(readConfig({ readFile: noFile }).port, 12365);
});
