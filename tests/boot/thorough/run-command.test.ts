/** `pv-image` as a person uses it: build, run without a boot loader, reboot, end with Ctrl-A X, and go on where the device was. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { writeRepository } from '../../../scripts/start/demo-repository.ts';
import { atEnd, temporaryDirectory } from '../../harness/cleanup.ts';
import { probeContainer } from '../../harness/revision.ts';
import { imageCache, keepConsole, machineMissing } from '../harness.ts';

const program = fileURLToPath(new URL('../../../images/bin/pv-image', import.meta.url));

/** A run of pv-image with what it printed. */
class Session {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  #text = '';

  constructor(t: TestContext, image: string) {
    this.#child = spawn(program, ['run', image, '--json', '--seconds', '600'], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#closed = once(this.#child, 'close');
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#text += chunk;
      keepConsole(t, chunk);
    });
    atEnd(t, () => void this.#child.kill('SIGKILL'));
  }

  /** Waits for a pattern in what comes after the last one that was found. */
  async shows(pattern: RegExp): Promise<void> {
    for (;;) {
      const found = pattern.exec(this.#text);
      if (found !== null) {
        this.#text = this.#text.slice(found.index + found[0].length);
        return;
      }
      const more = await Promise.race([
        once(this.#child.stdout!, 'data').then(() => true),
        this.#closed.then(() => false),
      ]);
      if (!more) throw new Error(`pv-image ended without ${pattern}; it showed at last:\n${this.#text.slice(-3000)}`);
    }
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** Waits for the end. @returns why the machine ended */
  async ended(): Promise<string> {
    await this.#closed;
    assert.equal(this.#child.exitCode, 0);
    const [, reason] =
      /"reason": *"([^"]+)"/.exec(this.#text) ?? assert.fail(`it did not say why it ended: ${this.#text.slice(-3000)}`);
    return `${reason}`;
  }
}

test('an image is built, run, rebooted, left and gone on with', {
  skip: machineMissing(),
  timeout: 1_800_000,
}, async (t) => {
  const folder = temporaryDirectory(t);
  const parts = await writeRepository(
    join(folder, 'parts'),
    [probeContainer('app', ['init'], { group: 'app' })],
    'x86_64',
  );
  const recipe = join(folder, 'recipe.json');
  const members = { name: 'person', architecture: 'x86_64', loader: 'none', parts: [parts], compression: 'fast' };
  writeFileSync(
    recipe,
    JSON.stringify({ '#spec': 'pantavisor-image@1', ...members, storage: { size: '128M' }, machine: { memory: 256 } }),
  );
  const image = join(folder, 'image');
  const built = JSON.parse(
    execFileSync(program, ['build', recipe, '-o', image, '--json', '--cache', imageCache], { encoding: 'utf8' }),
  );
  assert.equal(built.image, image);

  const first = new Session(t, image);
  await first.shows(/Press \[ENTER\] for debug ash shell/);
  first.type('\n');
  await first.shows(/pantavisor: ready socket=/);
  first.type('touch /storage/was-here; sync; reboot\n');
  await first.shows(/Linux version/);
  await first.shows(/pantavisor: ready socket=/);
  first.type('\u0001x');
  assert.equal(await first.ended(), 'killed');

  const second = new Session(t, image);
  await second.shows(/Press \[ENTER\] for debug ash shell/);
  second.type('\n');
  await second.shows(/pantavisor: ready socket=/);
  second.type('ls /storage/was-h*; poweroff\n');
  await second.shows(/^\/storage\/was-here/m);
  assert.equal(await second.ended(), 'power-off');
});
