import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, it } from 'node:test';
import { type Architecture, buildNative } from './native-build.ts';

const timeout = 120_000;
/** e_machine of elf(5). */
const machines: Record<Architecture, number> = { x64: 62, arm64: 183 };

const interpreterSegment = 3;

/** Machine of an ELF file, and whether it asks for a loader (a segment of type PT_INTERP). */
function elfHeader(path: string): { machine: number; interpreted: boolean } {
  const bytes = readFileSync(path);
  assert.equal(bytes.toString('latin1', 0, 4), '\x7fELF');
  const [table, size, count] = [Number(bytes.readBigUInt64LE(32)), bytes.readUInt16LE(54), bytes.readUInt16LE(56)];
  const segments = Array.from({ length: count }, (_, index) => bytes.readUInt32LE(table + index * size));
  return { machine: bytes.readUInt16LE(18), interpreted: segments.includes(interpreterSegment) };
}

describe('the native build', () => {
  for (const architecture of ['x64', 'arm64'] as const)
    it(`builds for ${architecture}, and again only when something changed`, { timeout }, () => {
      const folder = mkdtempSync(`${tmpdir()}/linux-build-`);
      try {
        const said: string[] = [];
        const say = (line: string) => said.push(line);
        assert.equal(buildNative(architecture, say, folder), true);
        assert.equal(said.length, 1);
        assert.equal(elfHeader(`${folder}/linux.node`).machine, machines[architecture]);
        assert.deepEqual(elfHeader(`${folder}/nsexec`), { machine: machines[architecture], interpreted: false });
        const { ino } = statSync(`${folder}/linux.node`);
        assert.equal(buildNative(architecture, say, folder), false);
        assert.equal(statSync(`${folder}/linux.node`).ino, ino);
        assert.equal(said.length, 1);
        // What decides is the same for all.
        if (architecture !== process.arch) return;
        writeFileSync(`${folder}/stamp`, 'of other sources');
        assert.equal(buildNative(architecture, say, folder), true);
        assert.notEqual(statSync(`${folder}/linux.node`).ino, ino);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  it('says which package has the compiler when there is none', { timeout }, () => {
    const folder = mkdtempSync(`${tmpdir()}/linux-build-`);
    try {
      const module = new URL('./native-build.ts', import.meta.url).pathname;
      const source = `import { buildNative } from '${module}';
        try { buildNative('arm64', () => undefined, '${folder}'); } catch (error) { console.log(error.code, error.message); }`;
      const output = execFileSync(process.execPath, ['--input-type=module-typescript', '-e', source], {
        env: { PATH: '/nonexistent' },
        encoding: 'utf8',
      });
      assert.match(output, /^COMPILER cannot build linux\.node for arm64: .*install gcc-aarch64-linux-gnu/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
