/**
 * Reading a state of five megabytes: `parseState` and the JSON reader under it against `JSON.parse` of the same text in
 * the same run. Prints MB/s and the ratio to JSON.parse; the best of several rounds counts.
 */
import { canonicalValue, diffStates, parseState, readJson } from '@pantavisor/state';
import { readBenchOptions } from './measure/options.ts';

readBenchOptions(import.meta.filename, {});
const rounds = 9;
const megabyte = 1e6;

/** A state like those in the field, only larger: containers with objects, configuration and docker descriptions. */
function makeState(bytes: number, indent: number | undefined): string {
  const state: Record<string, unknown> = {
    '#spec': 'pantavisor-service-system@1',
    'groups.json': [{ name: 'app', restart_policy: 'container' }],
  };
  const id = (seed: number): string => (seed * 2654435761).toString(16).padStart(16, '0').repeat(4).slice(0, 64);
  let length = 0;
  for (let index = 0; length < bytes; index += 1) {
    const name = `container-${index}`;
    const added: Record<string, unknown> = {
      [`${name}/lxc.container.conf`]: id(index),
      [`${name}/root.squashfs`]: id(index + 1),
      [`${name}/run.json`]: {
        '#spec': 'service-manifest-run@1',
        config: 'lxc.container.conf',
        name,
        'root-volume': 'root.squashfs',
        storage: { 'docker--etc-app': { persistence: 'permanent' }, 'lxc-overlay': { persistence: 'boot' } },
        type: 'lxc',
        volumes: [],
      },
      [`${name}/src.json`]: {
        '#spec': 'service-manifest-src@1',
        docker_config: { Cmd: ['/bin/sh', '-c', 'exec "$@"'], Env: ['PATH=/usr/local/sbin:/usr/sbin:/sbin:/bin'] },
        docker_digest: `registry.example/app@sha256:${id(index)}`,
        template: 'builtin-lxc-docker',
      },
    };
    for (let file = 0; file < 20; file += 1)
      added[`_config/${name}/etc/app/conf.d/${file}.conf`] = id(index * 20 + file);
    Object.assign(state, added);
    length += JSON.stringify(added, null, indent).length;
  }
  return JSON.stringify(state, null, indent);
}

function best(work: () => unknown): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round += 1) {
    const start = performance.now();
    work();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

for (const [label, indent] of [
  ['canonical', undefined],
  ['indented', 1],
] as const) {
  const text = makeState(5 * megabyte, indent);
  const parsed = parseState(text, { initMode: 'appengine' });
  if (!parsed.state) throw new Error(`cannot measure: ${parsed.problems[0]?.message}`);
  const { state } = parsed;
  const reference = best(() => JSON.parse(text));
  console.log(`${label}: ${(text.length / megabyte).toFixed(1)} MB, ${state.containers.length} containers`);
  const row = (name: string, milliseconds: number): void => {
    const speed = (text.length / megabyte / milliseconds) * 1000;
    const ratio = milliseconds / reference;
    console.log(
      `  ${name.padEnd(28)} ${milliseconds.toFixed(1).padStart(8)} ms ${speed.toFixed(0).padStart(6)} MB/s ${ratio.toFixed(2).padStart(7)} x JSON.parse`,
    );
  };
  row('JSON.parse', reference);
  row(
    'readJson, first level',
    best(() => readJson(text, { buildDepth: 1 })),
  );
  row(
    'readJson, whole tree',
    best(() => readJson(text)),
  );
  row(
    'parseState',
    best(() => parseState(text, { initMode: 'appengine' })),
  );
  row(
    'diffStates with itself',
    best(() => diffStates(state, state)),
  );
  if (indent === undefined)
    row(
      'canonicalValue',
      best(() => canonicalValue(JSON.parse(text))),
    );
}
