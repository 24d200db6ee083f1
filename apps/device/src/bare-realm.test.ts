/** Device code is plain ECMAScript: bundled without Node's host it loads and runs a whole device where nothing else exists. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createContext, Script } from 'node:vm';
import { build } from 'esbuild';

const sources = fileURLToPath(new URL('.', import.meta.url));

/** One script of the program and the simulated machine. What is not in the language cannot be resolved, or does not exist. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `
        export { runProgram } from './program.ts';
        export { MemoryDevice, memoryRevision } from './runtime/testing/memory-device.ts';`,
      resolveDir: sources,
      loader: 'ts',
    },
    bundle: true,
    platform: 'neutral',
    mainFields: ['main'],
    format: 'iife',
    globalName: 'device',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}

test('a device boots and stops in a realm with nothing but ECMAScript', { timeout: 60_000 }, async () => {
  const script = await bundle();
  const realm = createContext(Object.create(null));
  // Not part of the language, and not on every host.
  new Script('delete globalThis.WebAssembly; delete globalThis.console;').runInContext(realm);
  new Script(script).runInContext(realm);
  const run = new Script(`(async () => {
    const make = (host) => device.memoryRevision(host, [{ name: 'a' }, { name: 'b' }]);
    const running = await device.MemoryDevice.install(make);
    await running.ready();
    const statuses = await running.statuses();
    return JSON.stringify({ statuses, code: await running.stop() });
  })()`);
  const outcome: unknown = JSON.parse(await run.runInContext(realm));
  assert.deepEqual(outcome, { statuses: { a: 'STARTED', b: 'STARTED' }, code: 0 });
});
