/**
 * The console in Chromium: what a first view costs, how quick the list of 100,000 devices is, and whether a log of 1,000 lines a second
 * keeps every frame. The reference of the first view is an empty page of the same hub, that of the frames the same page at rest.
 */
import { chromium, type Page } from 'playwright-core';
import { seedFleet } from '../tests/harness/seed-fleet.ts';
import { World } from '../tests/hub/support/world.ts';
import { readBenchOptions } from './measure/options.ts';
import { median, printTable, quantile } from './measure/table.ts';

const { devices, seconds } = readBenchOptions(import.meta.filename, {
  devices: { fallback: 100_000, help: 'devices of the fleet' },
  seconds: { fallback: 5, help: 'how long each log flows' },
});
const slowdown = 4;
const rounds = 3;
const linesASecond = 1000;
const batchesASecond = 10;

const world = await World.start({ 'default-plan': 'UNLIMITED' });
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-sync',
  ],
});

/** Milliseconds until something is on the screen, and bytes that came for it, on a slow processor without a cache. */
async function firstView(path: string, shown: string): Promise<{ time: number; script: number; all: number }> {
  const context = await browser.newContext({ baseURL: world.url });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Emulation.setCPUThrottlingRate', { rate: slowdown });
  const kinds = new Map<string, string>();
  const bytes = { script: 0, all: 0 };
  session.on('Network.responseReceived', ({ requestId, type }) => kinds.set(requestId, type));
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    bytes.all += encodedDataLength;
    if (kinds.get(requestId) === 'Script') bytes.script += encodedDataLength;
  });
  const begin = performance.now();
  await page.goto(path);
  await page.locator(shown).first().waitFor();
  const time = performance.now() - begin;
  await context.close();
  return { time, ...bytes };
}

async function logIn(page: Page, nick: string): Promise<void> {
  await page.goto('/login');
  await page.getByLabel('Nick or e-mail address').fill(nick);
  await page.getByRole('textbox', { name: 'Password' }).fill('password');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.locator('#rail').waitFor({ state: 'attached' });
}

/** Milliseconds of each frame while something happens. */
async function frames(page: Page, seconds: number, meanwhile: () => Promise<void>): Promise<number[]> {
  // As text: what runs in the page has the page's types.
  const watching = page.evaluate<number[]>(`new Promise((resolve) => {
    const times = [];
    const begin = performance.now();
    let last = begin;
    const next = (now) => {
      times.push(now - last);
      last = now;
      if (now - begin < ${seconds * 1000}) requestAnimationFrame(next);
      else resolve(times);
    };
    requestAnimationFrame(next);
  })`);
  await meanwhile();
  return watching;
}

try {
  const views: Record<string, [string, string]> = {
    'API reference (no framework)': ['/swagger/', 'details'],
    'log in': ['/login', 'button[type=submit]'],
  };
  const rows: string[][] = [];
  let reference = 0;
  for (const [name, [path, shown]] of Object.entries(views)) {
    const found: Awaited<ReturnType<typeof firstView>>[] = [];
    for (let round = 0; round < rounds; round += 1) found.push(await firstView(path, shown));
    const time = median(found.map((one) => one.time));
    reference ||= time;
    const kib = (bytes: number) => (bytes / 1024).toFixed(0);
    rows.push([
      name,
      kib(found[0]?.script ?? 0),
      kib(found[0]?.all ?? 0),
      time.toFixed(0),
      (time / reference).toFixed(1),
    ]);
  }
  printTable(
    `first view, processor ${slowdown} times slower`,
    ['', 'script KiB', 'all KiB', 'usable ms', 'ratio'],
    rows,
  );

  const ada = await world.person('ada');
  await seedFleet(world.hub, ada.prn, devices);
  const context = await browser.newContext({ baseURL: world.url, viewport: { width: 1280, height: 860 } });
  const page = await context.newPage();
  await logIn(page, 'ada');
  const steps: [string, () => Promise<unknown>][] = [
    ['open', () => page.goto('/u/ada/devices').then(() => page.getByRole('link', { name: 'berlin_000000' }).waitFor())],
    [
      'jump to the end',
      () =>
        page.evaluate('window.scrollTo(0, document.body.scrollHeight)').then(() =>
          page
            .getByRole('link', { name: /^toronto_/ })
            .last()
            .waitFor(),
        ),
    ],
    [
      'search',
      () =>
        page
          .getByRole('textbox', { name: 'Query' })
          .fill('status:failed tag:site=madrid')
          .then(() => page.waitForURL(/madrid/).then(() => page.locator('[role=table][aria-busy=false]').waitFor())),
    ],
  ];
  const timed: string[][] = [];
  for (const [name, work] of steps) {
    const begin = performance.now();
    await work();
    timed.push([name, (performance.now() - begin).toFixed(0)]);
  }
  for (const [name, path] of [
    ['hub: a page', '/fleet/devices'],
    ['hub: the last page', `/fleet/devices?page[offset]=${devices - 100}`],
    ['hub: facets', '/fleet/facets'],
  ] as const) {
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const begin = performance.now();
      await world.get(`${path}${path.includes('?') ? '&' : '?'}q=rev:>${round}`, ada.token);
      times.push(performance.now() - begin);
    }
    timed.push([name, median(times).toFixed(0)]);
  }
  printTable(`list of ${devices} devices`, ['', 'ms'], timed);

  const device = await world.device(ada);
  await page.goto(`/u/ada/devices/${device.id}/logs`);
  await page.getByRole('button', { name: 'Following' }).waitFor();
  const rest = await frames(page, seconds, async () => undefined);
  const busy = await frames(page, seconds, async () => {
    for (let batch = 0; batch < seconds * batchesASecond; batch += 1) {
      const pause = new Promise((resolve) => setTimeout(resolve, 1000 / batchesASecond));
      const body = Array.from({ length: linesASecond / batchesASecond }, (_, index) => ({
        src: 'console',
        plat: 'web',
        lvl: 'INFO',
        msg: `\u001b[32mrequest\u001b[0m ${batch}-${index} answered in 3 ms`,
      }));
      await world.must('POST', '/logs/', { token: device.token, body });
      await pause;
    }
  });
  const line = (name: string, times: number[]) => [
    name,
    (times.length / seconds).toFixed(0),
    quantile(times, 0.99).toFixed(1),
    Math.max(...times).toFixed(1),
    String(times.filter((time) => time > 25).length),
  ];
  printTable(
    `frames of the log, ${linesASecond} lines a second`,
    ['', 'a second', 'p99 ms', 'longest ms', 'late'],
    [line('at rest', rest), line('following', busy)],
  );
} finally {
  await browser.close();
  await world.stop();
}
