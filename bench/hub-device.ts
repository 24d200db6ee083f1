/**
 * A real device and a real hub: how soon a posted step is on trial, with a hub that tells what is new and with one that does not, and how fast
 * an object comes. The reference of the first is the device that has to ask, that of the second `curl` from the same hub.
 */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HubEvent } from '@pantavisor/hub-api';
import type { RevisionRecipe } from '../containers/src/recipe.ts';
import { DemoHub, demoAccount } from '../scripts/start/hub.ts';
import { probeContainer, writeRevision } from '../tests/harness/revision.ts';
import { InstalledDevice } from './measure/device.ts';
import { readBenchOptions } from './measure/options.ts';
import { median, printTable, spread } from './measure/table.ts';

const { steps, downloads, mebibytes } = readBenchOptions(import.meta.filename, {
  steps: { fallback: 10, help: 'posted to each of the two devices' },
  downloads: { fallback: 5, help: 'of an object, by the device and by curl' },
  mebibytes: { fallback: 64, help: 'size of the object' },
});
const bytes = mebibytes * 1024 * 1024;

const work = mkdtempSync(join(tmpdir(), 'bench-hub-device-'));
const undos: (() => void | Promise<void>)[] = [() => rmSync(work, { recursive: true, force: true })];

/** Of each step the page is another one, and with it the container starts again, nothing else. */
const recipe = (page: string, load?: string): RevisionRecipe => ({
  containers: [probeContainer('web', ['init'], { group: 'app', network: 'host', config: { '/etc/page': page } })],
  // Nothing that has to prove itself for longer, so that the next step can come.
  groups: [{ name: 'app', status_goal: 'STARTED', restart_policy: 'container', timeout: 30 }],
  ...(load === undefined ? {} : { extra: { 'web/load.bin': load } }),
});

/** The hub behind a server that knows nothing of streams. Addresses of objects are the hub's own. */
async function withoutPush(port: string): Promise<string> {
  const server = createServer((asked, answer) => {
    const { method, url = '', headers } = asked;
    if (url.startsWith('/events/')) return void answer.writeHead(404).end();
    const passed = request({ port, method, path: url, headers: { ...headers, host: `127.0.0.1:${port}` } }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.pipe(answer);
    });
    asked.pipe(passed.on('error', () => answer.destroy()));
  });
  server.listen(0, '127.0.0.1');
  undos.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return String((server.address() as AddressInfo).port);
}

type Events = AsyncGenerator<{ event: HubEvent }>;

/** A loop over the events would end them with the first that is wanted. */
async function nextOf(events: Events): Promise<HubEvent> {
  const next = await events.next();
  if (next.done === true) throw new Error('the hub has hung up');
  return next.value.event;
}

/** When the hub hears this status of a step, on the clock of `performance`. @throws when the step ends otherwise */
async function heard(events: Events, device: string, rev: number, status: string): Promise<number> {
  for (;;) {
    const event = await nextOf(events);
    if (event.type !== 'step' || event.device !== device || event.rev !== rev || event.what !== 'progress') continue;
    const { status: told, 'status-msg': message } = event.progress ?? { status: '', 'status-msg': '' };
    if (told === status) return performance.now();
    if (['ERROR', 'WONTGO', 'UPDATED', 'DONE'].includes(told)) throw new Error(`step ${rev} ended: ${told} ${message}`);
  }
}

/** Joins a new device and has it on its first revision, asking for more. */
async function joined(hub: DemoHub, events: Events, more: Record<string, string>) {
  const installed = await InstalledDevice.install(recipe('first'));
  undos.push(() => installed.remove());
  const running = await installed.start({ ...(await hub.deviceSettings()), PV_UPDATER_COMMIT_DELAY: '1', ...more });
  undos.push(() => running.stop());
  for (;;) {
    const event = await nextOf(events);
    if (event.type === 'step' && event.rev === 0 && event.what === 'created') return event.device;
  }
}

/** Milliseconds from the post of a step until the hub hears that it is on trial, again and again. */
async function reactions(hub: DemoHub, events: Events, device: string, name: string): Promise<number[]> {
  const times: number[] = [];
  for (let count = 0; count < steps; count += 1) {
    const files = await writeRevision(work, recipe(`${name} ${count}`), `${name}-${count}`);
    // At any moment between two questions of a device that asks every five seconds.
    await new Promise((resolve) => setTimeout(resolve, 1000 + (count * 5000) / steps));
    const begin = performance.now();
    const rev = await hub.post(device, files, `${name} ${count}`);
    times.push((await heard(events, device, rev, 'TESTING')) - begin);
    await heard(events, device, rev, 'UPDATED');
  }
  return times;
}

async function login(hub: DemoHub): Promise<string> {
  const headers = { 'content-type': 'application/json', 'user-agent': 'bench' };
  const answer = await fetch(`${hub.url}/auth/login`, { method: 'POST', headers, body: JSON.stringify(demoAccount) });
  return ((await answer.json()) as { token: string }).token;
}

/** MiB a second of an object: of the device from its first to its last word about the download, and of `curl`. */
async function download(hub: DemoHub, events: Events, device: string, count: number) {
  const content = randomBytes(bytes);
  const id = createHash('sha256').update(content).digest('hex');
  const files = await writeRevision(work, recipe('load', id), `load-${count}`);
  writeFileSync(join(files.objects, id), content);
  const rev = await hub.post(device, files, 'load');
  const begin = await heard(events, device, rev, 'DOWNLOADING');
  const end = await heard(events, device, rev, 'INPROGRESS');
  await heard(events, device, rev, 'UPDATED');
  const headers = { authorization: `Bearer ${await login(hub)}`, 'user-agent': 'bench' };
  const answer = (await (await fetch(`${hub.url}/objects/${id}`, { headers })).json()) as { 'signed-geturl': string };
  const copy = join(work, 'copy');
  const curl = (...then: string[]) => {
    rmSync(copy, { force: true });
    const from = performance.now();
    execFileSync('curl', ['-sSf', '-o', copy, answer['signed-geturl']]);
    for (const program of then) execFileSync(program, program === 'sync' ? ['-d', copy] : [copy]);
    return performance.now() - from;
  };
  const rate = (milliseconds: number) => bytes / 1024 / 1024 / (milliseconds / 1000);
  return { device: rate(end - begin), curl: rate(curl()), careful: rate(curl('sha256sum', 'sync')) };
}

const stop = new AbortController();
try {
  const hub = await DemoHub.start(join(work, 'hub'), (undo) => undos.push(undo));
  const events = await hub.events(stop.signal);
  const port = await withoutPush(new URL(hub.url).port);
  const pushed = await joined(hub, events, {});
  const asking = await joined(hub, events, { PH_CREDS_PORT: port });
  const measured = {
    'with push': await reactions(hub, events, pushed, 'pushed'),
    'without: asks every 5 s': await reactions(hub, events, asking, 'asked'),
  };
  const reference = median(measured['without: asks every 5 s']);
  printTable(
    'From the post of a step to TESTING: the container has started again, and the hub knows',
    ['', 'ms, median (least..greatest)', 'of the reference'],
    Object.entries(measured).map(([name, times]) => [
      name,
      spread(times, 0),
      `1/${(reference / median(times)).toFixed(1)}`,
    ]),
  );
  const rates: Awaited<ReturnType<typeof download>>[] = [];
  for (let count = 0; count < downloads; count += 1) rates.push(await download(hub, events, pushed, count));
  const curl = median(rates.map((one) => one.curl));
  const rows: [string, keyof (typeof rates)[number]][] = [
    ['device: checked, durable, installed', 'device'],
    ['curl to a file, then sha256sum and sync', 'careful'],
    ['curl to a file', 'curl'],
  ];
  printTable(
    `An object of ${mebibytes} MiB from the same hub`,
    ['', 'MiB/s, median (least..greatest)', 'of curl'],
    rows.map(([name, key]) => {
      const all = rates.map((one) => one[key]);
      return [name, spread(all, 0), (median(all) / curl).toFixed(2)];
    }),
  );
} finally {
  stop.abort();
  for (const undo of undos.toReversed()) await undo();
}
