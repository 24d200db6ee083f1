/**
 * What devices ask of the hub: idle poll, metadata PUT, log batch POST, login, step post. Requests per second and latency of a
 * hub on one core, with an empty database and with many registered devices, against bare Fastify answering `{}` on the
 * same core in the same run.
 */
import { type LoadResult, loadHttp, requestText } from './measure/http-load.ts';
import { type BenchHub, startBare, startBenchHub } from './measure/hub.ts';
import { readBenchOptions } from './measure/options.ts';
import { printTable } from './measure/table.ts';

const { requests: total, devices: many } = readBenchOptions(import.meta.filename, {
  requests: { fallback: 30_000, help: 'requests of each measurement' },
  devices: { fallback: 100_000, help: 'devices in the full database' },
});
const connections = 64;
const poll =
  'progress.status=%7B%22$in%22:%5B%22NEW%22,%22DOWNLOADING%22,%22INPROGRESS%22,%22TESTING%22,%22QUEUED%22%5D%7D';

interface Case {
  name: string;
  /** share of `total` that is enough */
  share: number;
  request(hub: BenchHub): (index: number) => string;
}
const always = (text: string) => () => text;
const cases: Case[] = [
  {
    name: 'idle poll',
    share: 1,
    request: ({ device: { id, token } }) => always(requestText('GET', `/trails/${id}/steps?${poll}`, token)),
  },
  {
    name: 'user metadata',
    share: 1,
    request: ({ device: { id, token } }) => always(requestText('GET', `/devices/${id}/user-meta`, token)),
  },
  {
    name: 'device metadata PUT',
    share: 0.2,
    request:
      ({ device: { id, token } }) =>
      (index) =>
        requestText('PUT', `/devices/${id}/device-meta`, token, {
          'pantavisor.version': '019',
          index: String(index),
          'interfaces.eth0': '10.0.0.2',
        }),
  },
  {
    name: 'log batch POST (50 lines)',
    share: 0.05,
    request: ({ device: { token } }) =>
      always(
        requestText(
          'POST',
          '/logs/',
          token,
          Array.from({ length: 50 }, (_, line) => ({
            tsec: 1,
            tnano: line,
            lvl: 'INFO',
            src: 'bench',
            plat: 'pantavisor',
            rev: '0',
            msg: `line ${line} of a usual length, as programs write them`,
          })),
        ),
      ),
  },
  {
    name: 'login of a device',
    share: 0.05,
    request: ({ device: { prn, secret } }) =>
      always(requestText('POST', '/auth/login', undefined, { username: prn, password: secret })),
  },
  {
    name: 'login of a person',
    share: 0.003,
    request: () => always(requestText('POST', '/auth/login', undefined, { username: 'owner', password: 'password' })),
  },
  {
    name: 'step post',
    share: 0.1,
    request: ({ device: { id }, owner }) =>
      always(
        requestText('POST', `/trails/${id}/steps`, owner, {
          rev: -1,
          state: { '#spec': 'pantavisor-service-system@1', 'app/run.json': { name: 'app' } },
        }),
      ),
  },
];

const row = (name: string, result: LoadResult, reference: number) => {
  const others = Object.entries(result.statuses).filter(([status]) => status !== '200');
  if (others.length > 0) throw new Error(`${name}: not every answer was 200: ${JSON.stringify(result.statuses)}`);
  return [
    name,
    result.perSecond.toFixed(0),
    (result.perSecond / reference).toFixed(2),
    result.p50.toFixed(2),
    result.p99.toFixed(2),
  ];
};

for (const devices of [0, many]) {
  const bare = await startBare();
  const reference = await loadHttp({ port: bare.port, connections, total, requests: always(requestText('GET', '/')) });
  await bare.stop();
  const hub = await startBenchHub(devices);
  const before = hub.memory();
  const rows = [row('bare Fastify, {}', reference, reference.perSecond)];
  try {
    for (const { name, share, request } of cases) {
      const result = await loadHttp({
        port: hub.port,
        connections,
        total: Math.max(64, Math.round(total * share)),
        requests: request(hub),
      });
      rows.push(row(name, result, reference.perSecond));
    }
    printTable(
      `hub on one core, ${devices + 1} devices; memory ${before.toFixed(0)} MiB at start, ${hub.memory().toFixed(0)} MiB after`,
      ['', 'requests/s', 'of bare', 'p50 ms', 'p99 ms'],
      rows,
    );
  } finally {
    await hub.stop();
  }
}
