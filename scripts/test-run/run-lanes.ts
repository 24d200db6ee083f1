/** Runs stages of the tests: those of a lane one after the other, lanes side by side. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { busyShare, type FileTime, parseFileTimes, type StageTime } from './times.ts';

export interface Stage {
  name: string;
  argv: string[];
  /** Words before the program, which run it in namespaces of its own. */
  within?: readonly string[];
  environment?: Record<string, string>;
  /** Whether it only gets what others beside it leave of the processors: for work that nothing waits for. */
  yields?: boolean;
}

/** Hundreds of processes load the same sources: what Node makes of them is kept, which saves a quarter of what small tests compute. */
const compileCache = fileURLToPath(new URL('../../build/compile-cache', import.meta.url));
const fileTimes = fileURLToPath(new URL('./file-times.ts', import.meta.url));
/** Nice value of stages that yield: half of the weight of the others (setpriority(2)). */
const yielding = 3;

/** A network of its own for a stage, of loopback alone: what others do to the networks of the machine is not noticed. Needs root. */
export const apart: readonly string[] =
  process.getuid?.() === 0 ? ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'] : [];

/** The stage of test files, as many of them at once as `concurrency` says. @throws when there are none, for node:test would take all that it finds */
export function suite(name: string, files: string[], concurrency: number, more: Partial<Stage> = {}): Stage {
  if (files.length === 0) throw new Error(`cannot run the stage ${name}: it has no files`);
  return { name, argv: [process.execPath, '--test', `--test-concurrency=${concurrency}`, ...files], ...more };
}

/** The arguments with which node:test also writes the time of each file; others are left as they are. */
function timed(argv: string[], path: string): string[] {
  if (argv[1] !== '--test') return argv;
  const reporters = Object.entries({ spec: 'stdout', [fileTimes]: path });
  return [
    ...argv.slice(0, 2),
    ...reporters.flatMap(([reporter, to]) => [`--test-reporter=${reporter}`, `--test-reporter-destination=${to}`]),
    ...argv.slice(2),
  ];
}

export interface Outcome {
  passed: boolean;
  stages: StageTime[];
  files: FileTime[];
}

/** Runs a stage. @param atOnce whether its output is shown as it comes, or when the stage has ended */
async function run(stage: Stage, atOnce: boolean): Promise<Outcome> {
  const [begin, before] = [performance.now(), cpus()];
  const head = `\n── ${stage.name}`;
  if (atOnce) console.log(head);
  const folder = mkdtempSync(join(tmpdir(), 'test-times-'));
  try {
    const path = join(folder, 'files');
    const [program = '', ...argv] = [...(stage.within ?? []), ...timed(stage.argv, path)];
    const child = spawn(program, argv, {
      stdio: atOnce ? 'inherit' : ['inherit', 'pipe', 'pipe'],
      env: { NODE_COMPILE_CACHE: compileCache, ...process.env, ...stage.environment },
    });
    if (stage.yields && child.pid !== undefined) setPriority(child.pid, yielding);
    const [[status, signal], output, errors] = await Promise.all([
      once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
      child.stdout && buffer(child.stdout),
      child.stderr && buffer(child.stderr),
    ]);
    if (!atOnce) process.stdout.write(`${head}\n${output}${errors}`);
    const seconds = (performance.now() - begin) / 1000;
    console.log(`── ${stage.name}: ${seconds.toFixed(1)} s`);
    if (status !== 0) console.error(`test: stage '${stage.name}' failed (${signal ?? `exit code ${status}`})`);
    const time = { name: stage.name, seconds, busy: busyShare(before, cpus()) };
    return { passed: status === 0, stages: [time], files: parseFileTimes(readTimes(path)) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Empty when it is no stage of node:test, or did not even begin. */
function readTimes(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/**
 * Runs lanes side by side. A stage that fails ends its lane; the others go on, so that one run tells as much as it can. The first lane shows its
 * output as it comes, the others stage by stage.
 */
export async function runLanes(lanes: readonly (readonly Stage[])[]): Promise<Outcome> {
  const outcomes = await Promise.all(
    lanes.map(async (lane, index) => {
      const found: Outcome[] = [];
      for (const stage of lane) {
        const outcome = await run(stage, index === 0);
        found.push(outcome);
        if (!outcome.passed) break;
      }
      return found;
    }),
  );
  const all = outcomes.flat();
  return {
    passed: all.every(({ passed }) => passed),
    stages: all.flatMap(({ stages }) => stages),
    files: all.flatMap(({ files }) => files),
  };
}
