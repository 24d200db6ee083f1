/** What every boot environment promises, whatever the boot loader. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { tryEveryCut } from '../../host/memory/cuts.ts';
import type { MemoryHost } from '../../host/memory/host.ts';
import { Failure } from '../../runtime/failure.ts';
import type { BootEnvironment, StoredBoot } from '../port.ts';

/** A simulated machine with one kind of boot loader. */
export interface BootFixture {
  host: MemoryHost;
  /** The environment as a runtime opens it after a boot. `trial`: the boot loader has started what was armed. */
  open(host: MemoryHost, boot: 'normal' | 'trial'): BootEnvironment;
  /** Makes the `.pv` directory of a revision with boot files of this content. */
  prepare(host: MemoryHost, revision: string, content: string): Promise<string>;
  /** The image that the boot loader would start for a revision; undefined when the file has none. */
  image(host: MemoryHost, revision: string): Promise<string | undefined>;
  /** What the boot loader itself finds, when it reads the storage, and images from the revisions' own directories there. */
  asLoader?(host: MemoryHost): Promise<StoredBoot>;
  /** Stores an entry of somebody else, and reads it. Absent when the place has no room for others. */
  foreign?: { set(host: MemoryHost): Promise<void>; isThere(host: MemoryHost): Promise<boolean> };
}

const timeout = 60_000;

/** What is stored, without what was booted. */
async function stored(environment: BootEnvironment): Promise<StoredBoot> {
  const { booted: _, ...rest } = await environment.read();
  return rest;
}

/** Installs and arms a revision, boots it and commits it. */
async function commitThrough(fixture: BootFixture, revision: string): Promise<void> {
  const { host } = fixture;
  const environment = fixture.open(host, 'normal');
  await environment.read();
  await environment.install(revision, await fixture.prepare(host, revision, `image ${revision}`));
  await environment.armTry(revision);
  const trial = fixture.open(host, 'trial');
  assert.equal((await trial.read()).trying, revision);
  await trial.commit(revision);
}

/** Arms a revision on a fixture whose committed one is `1`, ready to be tried. */
async function armed(fixture: BootFixture): Promise<void> {
  await commitThrough(fixture, '1');
  const environment = fixture.open(fixture.host, 'normal');
  await environment.install('2', await fixture.prepare(fixture.host, '2', 'image 2'));
  await environment.armTry('2');
}

/**
 * Registers the tests of a boot environment.
 * @param create a fresh fixture for each test: a device that runs revision `0` and was never updated
 */
export function testBootEnvironment(name: string, create: () => Promise<BootFixture>): void {
  const test = (title: string, body: (fixture: BootFixture) => Promise<void>) =>
    it(title, { timeout }, async () => body(await create()));

  describe(`boot environment: ${name}`, () => {
    test('has nothing to try at first', async ({ host, open }) => {
      const { committed = '0', trying } = await open(host, 'normal').read();
      assert.deepEqual({ committed, trying }, { committed: '0', trying: undefined });
    });
    test('arms a try that stays until it is cleared', async (fixture) => {
      const { host, open } = fixture;
      await armed(fixture);
      assert.deepEqual(await stored(open(host, 'normal')), { committed: '1', trying: '2' });
      assert.deepEqual(await stored(open(host, 'trial')), { committed: '1', trying: '2' });
      await open(host, 'normal').clearTry();
      assert.deepEqual(await stored(open(host, 'normal')), { committed: '1' });
    });
    test('commits what was tried', async (fixture) => {
      const { host, open } = fixture;
      await armed(fixture);
      const trial = open(host, 'trial');
      await trial.commit('2');
      assert.deepEqual(await stored(trial), { committed: '2' });
      assert.deepEqual(await stored(open(host, 'normal')), { committed: '2' });
      assert.equal((await open(host, 'normal').read()).booted ?? '2', '2');
    });
    test('can try again what has failed', async (fixture) => {
      const { host, open } = fixture;
      await armed(fixture);
      await open(host, 'normal').clearTry();
      await open(host, 'normal').armTry('2');
      assert.deepEqual(await stored(open(host, 'trial')), { committed: '1', trying: '2' });
    });
    test('writes nothing when nothing changes', async (fixture) => {
      const { host, open } = fixture;
      await armed(fixture);
      const before = host.machine.effects;
      await open(host, 'normal').armTry('2');
      assert.equal(host.machine.effects, before);
      await open(host, 'normal').clearTry();
      const cleared = host.machine.effects;
      await open(host, 'normal').clearTry();
      await open(host, 'normal').commit('1');
      assert.equal(host.machine.effects, cleared);
    });
    test('refuses names that a boot script could not carry', async ({ host, open }) => {
      for (const bad of ['', 'a b', 'a\0b', 'a\nb', '$(x)', "'", 'x'.repeat(200)]) {
        const environment = open(host, 'normal');
        for (const call of [environment.armTry(bad), environment.commit(bad)])
          await assert.rejects(call, (error) => error instanceof Failure && error.code === 'boot-revision-name');
      }
      await open(host, 'normal').armTry(`locals/${'x'.repeat(64)}`);
    });
    test('leaves what others have stored, also under keys that begin like its own', async (fixture) => {
      const { foreign, host } = fixture;
      if (foreign === undefined) return;
      await foreign.set(host);
      await armed(fixture);
      assert.ok(await foreign.isThere(host));
      await fixture.open(host, 'normal').clearTry();
      assert.ok(await foreign.isThere(host));
      await fixture.open(host, 'normal').armTry('2');
      await fixture.open(host, 'trial').commit('2');
      assert.ok(await foreign.isThere(host));
    });
    test('keeps the image of the committed revision until another is committed', async (fixture) => {
      const { host, open, image } = fixture;
      await armed(fixture);
      assert.equal(await image(host, '1'), 'image 1');
      assert.equal(await image(host, '2'), 'image 2');
      const environment = open(host, 'normal');
      await environment.clearTry();
      await environment.install('3', await fixture.prepare(host, '3', 'image 1'));
      assert.equal(await image(host, '1'), 'image 1', 'also when the new image is equal');
      await environment.armTry('3');
      await open(host, 'trial').commit('3');
      assert.equal(await image(host, '3'), 'image 1');
    });
    cuts(test);
    test('remembers what it was told last, in any order', async (fixture) => {
      const { host, open } = fixture;
      const revision = fc.constantFrom('4', 'locals/a', 'locals/b');
      const verb = fc.oneof(
        revision.map((value) => ({ arm: value })),
        fc.constant({ clear: true }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(verb, { maxLength: 8 }), async (verbs) => {
          let trying: string | undefined;
          await open(host, 'normal').clearTry();
          for (const step of verbs) {
            if ('arm' in step) await open(host, 'normal').armTry(step.arm);
            else await open(host, 'normal').clearTry();
            trying = 'arm' in step ? step.arm : undefined;
            assert.equal((await open(host, 'normal').read()).trying, trying);
          }
        }),
        { numRuns: 30 },
      );
    });
  });
}

/** Power cuts in each verb: the next boot finds the old or the new, never a mixture, and what it needs to boot either. */
function cuts(test: (title: string, body: (fixture: BootFixture) => Promise<void>) => void): void {
  async function outcomes(
    fixture: BootFixture,
    boot: 'normal' | 'trial',
    verb: (environment: BootEnvironment) => Promise<void>,
    keeps: readonly string[],
  ): Promise<Set<string>> {
    const seen = new Set<string>();
    const environment = fixture.open(fixture.host, boot);
    await environment.read();
    await tryEveryCut({
      host: fixture.host,
      operation: async (note) => {
        await verb(environment);
        note('done');
      },
      check: async (survivor, { noted }) => {
        if (fixture.foreign !== undefined) assert.ok(await fixture.foreign.isThere(survivor));
        const found = await fixture.open(survivor, 'normal').read();
        const text = `${found.committed}/${found.trying ?? ''}`;
        if (noted.length === 0) seen.add(text);
        else seen.add(`done ${text}`);
        const boots = (await fixture.asLoader?.(survivor)) ?? found;
        if (noted.length > 0) assert.deepEqual(boots, found, 'the boot loader finds what is stored');
        const { committed = '', trying = committed } = boots;
        for (const revision of [...keeps, committed, ...(fixture.asLoader === undefined ? [] : [trying])])
          assert.equal(await fixture.image(survivor, revision), `image ${revision}`);
      },
      limit: 16,
    });
    return seen;
  }
  test('holds the old or the new content, whole, after a power cut while it installs and arms', async (fixture) => {
    await fixture.foreign?.set(fixture.host);
    await commitThrough(fixture, '1');
    const directory = await fixture.prepare(fixture.host, '2', 'image 2');
    const verb = async (environment: BootEnvironment) => {
      await environment.install('2', directory);
      await environment.armTry('2');
    };
    assert.deepEqual(await outcomes(fixture, 'normal', verb, ['1']), new Set(['1/', '1/2', 'done 1/2']));
  });
  test('holds the old or the new content, whole, after a power cut while it clears the try mark', async (fixture) => {
    await fixture.foreign?.set(fixture.host);
    await armed(fixture);
    const seen = await outcomes(fixture, 'normal', (environment) => environment.clearTry(), ['1']);
    assert.deepEqual(seen, new Set(['1/2', '1/', 'done 1/']));
  });
  test('holds the old or the new content, whole, after a power cut while it commits', async (fixture) => {
    await fixture.foreign?.set(fixture.host);
    await armed(fixture);
    const seen = await outcomes(fixture, 'trial', (environment) => environment.commit('2'), ['1', '2']);
    assert.deepEqual(seen, new Set(['1/2', '2/', 'done 2/']));
  });
}
