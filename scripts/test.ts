/** Runs every check and every test of the project, in the order in which a failure is cheapest to learn of. */
import { globSync } from 'node:fs';
import { findMissingFacilities } from './preflight.ts';
import { apart, runLanes, type Stage, suite } from './test-run/run-lanes.ts';
import { type FileTime, formatTimes, type StageTime } from './test-run/times.ts';

const node = process.execPath;
const filesOf = (...patterns: string[]): string[] =>
  globSync(patterns, { exclude: (path) => path.includes('node_modules') }).sort();

const stages: Record<string, () => Stage[]> = {
  check: () => [{ name: 'check', argv: [node, 'scripts/check.ts'] }],
  unit: () => [
    suite(
      'unit',
      filesOf(
        ...['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'images/src/**/*.test.ts'],
        ...['scripts/**/*.test.ts', 'containers/**/*.test.ts'],
      ),
      2,
    ),
  ],
  sim: () => [suite('sim', filesOf('sim/**/*.test.ts'), 1)],
  /** A browser fails what it loads whenever a network of the machine comes or goes, as devices make them do. */
  console: () => [suite('console', filesOf('tests/browser/!(real-device).test.ts'), 1, { within: apart })],
  'console-device': () => [suite('console-device', filesOf('tests/browser/real-device.test.ts'), 1)],
  /** Tests of devices compare what the machine has before and after, one at a time. */
  e2e: () => [suite('e2e', filesOf('tests/!(boot|hub|pvr|browser|architectures)/**/*.test.ts'), 1)],
  hub: () => [suite('hub', filesOf('tests/{hub,pvr}/*.test.ts'), 1)],
  /** The essentials of the device once more on the small host; `device-small` runs them all, and the executables of other architectures. */
  small: () =>
    smallHost(
      'small',
      filesOf(
        ...['tests/e2e/device.test.ts', 'tests/e2e/device-adoption.test.ts', 'tests/e2e/hub-device.test.ts'],
        'tests/tools/*.test.ts',
      ),
    ),
  /** Machines in QEMU: the essentials; `boot-all` runs everything. They compute all the time, and can wait for longer than other tests. */
  boot: () => [suite('boot', filesOf('tests/boot/*.test.ts'), 1, { yields: true })],
};

/**
 * The run of everything: steps one after the other, of lanes side by side. Tests of devices, and those of hubs and pvr, wait for half of their time,
 * which the machines in QEMU use. Nothing makes networks beside the real device of the console.
 */
const everything: (keyof typeof stages)[][][] = [
  [['check']],
  [
    ['unit', 'console-device'],
    ['console', 'sim'],
  ],
  [['e2e', 'small'], ['hub'], ['boot']],
];

/** Stages that only run when they are named. */
const onDemand: Record<string, () => Stage[]> = {
  'boot-all': () => [suite('boot-all', filesOf('tests/boot/**/*.test.ts'), 2)],
  /** Its parts beside `boot`, for those who have no hour. */
  'boot-cuts': () => [suite('boot-cuts', filesOf('tests/boot/thorough/power-cuts-*.test.ts'), 2)],
  'boot-thorough': () => [suite('boot-thorough', filesOf('tests/boot/thorough/!(power-cuts-*).test.ts'), 2)],
  /** More devices than the tests of other devices could bear beside them. */
  'hub-all': () => [suite('hub-all', filesOf('tests/hub/**/*.test.ts'), 1)],
  'device-small': () =>
    smallHost(
      'device-small',
      filesOf(
        ...['tests/architectures/*.test.ts', 'tests/e2e/{device,hub,logs,updates}*.test.ts'],
        ...['tests/conformance/*.test.ts', 'tests/tools/*.test.ts'],
      ),
      { UPDATE_KILLS: '50' },
    ),
};

function smallHost(name: string, files: string[], environment = {}): Stage[] {
  return [
    { name: `${name}: the static executable`, argv: [node, 'apps/device/build-small.ts'] },
    suite(name, files, 1, { environment: { PANTAVISOR_HOST: 'small', ...environment } }),
  ];
}

const wanted = process.argv.slice(2);
const known = { ...stages, ...onDemand };
const unknown = wanted.filter((name) => !(name in known));
if (unknown.length > 0) {
  console.error(`test: no such stage: ${unknown.join(', ')}; there are ${Object.keys(known).join(', ')}`);
  process.exit(64);
}

const steps =
  wanted.length > 0 ? Object.keys(known).flatMap((name) => (wanted.includes(name) ? [[[name]]] : [])) : everything;
// Tried once instead of by each file; when something is missing, each says what.
if ((await findMissingFacilities()).length === 0) process.env.CONTAINERS_WORK = 'yes';
const times: { stages: StageTime[]; files: FileTime[] } = { stages: [], files: [] };
for (const lanes of steps) {
  const outcome = await runLanes(lanes.map((names) => names.flatMap((name) => known[name]?.() ?? [])));
  times.stages.push(...outcome.stages);
  times.files.push(...outcome.files);
  if (outcome.passed) continue;
  process.exitCode = 1;
  break;
}
console.log(`\n${formatTimes(times.stages, times.files)}`);
