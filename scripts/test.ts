/** Runs every check and every test of the project, in the order in which a failure is cheapest to learn of. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';

interface Stage {
  name: string;
  argv: string[];
  environment?: Record<string, string>;
}

const node = process.execPath;
const suite = (name: string, patterns: string[], concurrency: number, environment = {}): Stage[] => {
  const files = globSync(patterns, { exclude: (path) => path.includes('node_modules') }).sort();
  if (files.length === 0) return [];
  return [{ name, argv: [node, '--test', `--test-concurrency=${concurrency}`, ...files], environment }];
};

/** Stages one after the other; those in a list of their own run side by side. */
type Plan = (Stage | Stage[])[];

const stages: Record<string, () => Plan> = {
  check: () => [{ name: 'check', argv: [node, 'scripts/check.ts'] }],
  unit: () =>
    suite(
      'unit',
      [
        ...['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'images/src/**/*.test.ts'],
        ...['scripts/**/*.test.ts', 'containers/**/*.test.ts'],
      ],
      2,
    ),
  sim: () => suite('sim', ['sim/**/*.test.ts'], 1),
  console: () => suite('console', ['tests/browser/**/*.test.ts'], 1),
  /** Tests of devices compare what the machine has before and after, one at a time; those of hubs and pvr mostly wait for themselves. */
  e2e: () => [
    [
      ...suite('e2e', ['tests/!(boot|hub|pvr|browser|architectures)/**/*.test.ts'], 1),
      ...suite('e2e: hub and pvr', ['tests/{hub,pvr}/*.test.ts'], 1),
    ],
  ],
  /** The essentials of the device once more on the small host; `device-small` runs them all, and the executables of other architectures. */
  small: () =>
    smallHost('small', [
      'tests/e2e/device.test.ts',
      'tests/e2e/device-adoption.test.ts',
      'tests/e2e/hub-device.test.ts',
      'tests/tools/*.test.ts',
    ]),
  /** Machines in QEMU: the essentials; `boot-all` runs everything. */
  boot: () => suite('boot', ['tests/boot/*.test.ts'], 2),
};

/**
 * The run of everything: what costs least to learn of first, what is named together side by side. A browser fails what it loads whenever a network
 * comes or goes, so it is not beside tests of devices.
 */
const everything: (keyof typeof stages)[][] = [['check'], ['unit'], ['sim', 'console'], ['e2e'], ['small'], ['boot']];

/** Stages that only run when they are named. */
const onDemand: Record<string, () => Plan> = {
  'boot-all': () => suite('boot-all', ['tests/boot/**/*.test.ts'], 2),
  /** Its parts beside `boot`, for those who have no hour. */
  'boot-cuts': () => suite('boot-cuts', ['tests/boot/thorough/power-cuts-*.test.ts'], 2),
  'boot-thorough': () => suite('boot-thorough', ['tests/boot/thorough/!(power-cuts-*).test.ts'], 2),
  /** More devices than the tests of other devices could bear beside them. */
  'hub-all': () => suite('hub-all', ['tests/hub/**/*.test.ts'], 1),
  'device-small': () =>
    smallHost(
      'device-small',
      [
        'tests/architectures/*.test.ts',
        'tests/e2e/{device,hub,logs,updates}*.test.ts',
        'tests/conformance/*.test.ts',
        'tests/tools/*.test.ts',
      ],
      { UPDATE_KILLS: '50' },
    ),
};

function smallHost(name: string, patterns: string[], environment = {}): Stage[] {
  return [
    { name: `${name}: the static executable`, argv: [node, 'apps/device/build-small.ts'] },
    ...suite(name, patterns, 1, { PANTAVISOR_HOST: 'small', ...environment }),
  ];
}

const wanted = process.argv.slice(2);
const known = { ...stages, ...onDemand };
const unknown = wanted.filter((name) => !(name in known));
if (unknown.length > 0) {
  console.error(`test: no such stage: ${unknown.join(', ')}; there are ${Object.keys(known).join(', ')}`);
  process.exit(64);
}

/**
 * Runs a stage, its output right away or, beside another one, when it has ended.
 * @returns whether it passed
 */
async function run(stage: Stage, atOnce: boolean): Promise<boolean> {
  const begin = performance.now();
  const head = `\n── ${stage.name}`;
  if (atOnce) console.log(head);
  const child = spawn(stage.argv[0]!, stage.argv.slice(1), {
    stdio: atOnce ? 'inherit' : ['inherit', 'pipe', 'pipe'],
    env: { ...process.env, ...stage.environment },
  });
  const [[status, signal], output, errors] = await Promise.all([
    once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
    child.stdout && buffer(child.stdout),
    child.stderr && buffer(child.stderr),
  ]);
  if (!atOnce) process.stdout.write(`${head}\n${output}${errors}`);
  console.log(`── ${stage.name}: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  if (status !== 0) console.error(`test: stage '${stage.name}' failed (${signal ?? `exit code ${status}`})`);
  return status === 0;
}

const plan: Plan =
  wanted.length > 0
    ? Object.entries(known).flatMap(([name, make]) => (wanted.includes(name) ? make() : []))
    : everything.flatMap((names): Plan => {
        const steps = names.flatMap((name) => stages[name]!());
        return names.length > 1 ? [steps.flat()] : steps;
      });
for (const step of plan) {
  const beside = Array.isArray(step) ? step : [step];
  const passed = await Promise.all(beside.map((stage, index) => run(stage, index === 0)));
  if (passed.includes(false)) process.exit(1);
}
