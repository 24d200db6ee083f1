/**
 * What an idle device asks of its Hub in an hour, and how soon it notices a new step: the real runtime on a simulated machine, in virtual time, with
 * a Hub that tells what is new and with one that does not. The reference is the schedule of the original: steps and user metadata every five
 * seconds, device metadata every ten, each as a request of its own.
 */
import type { HttpAnswer, HttpCall, HttpClient, HttpTake } from '../apps/device/src/host/http-client.ts';
import type { MemoryHost } from '../apps/device/src/host/memory/host.ts';
import { encodeUtf8 } from '../apps/device/src/host/memory/utf8.ts';
import { MemoryDevice, memoryRevision } from '../apps/device/src/runtime/testing/memory-device.ts';
import { readBenchOptions } from './measure/options.ts';
import { median, printTable } from './measure/table.ts';

readBenchOptions(import.meta.filename, {});
const environment = { PV_CONTROL_REMOTE: '1', PH_CREDS_HOST: 'http://hub', PV_LOG_LEVEL: '3' };
const hour = 3_600_000;
const heartbeat = 20_000;
/** Bytes of the head of an answer of pantahub. */
const answerHead = 250;
const steps = 40;
/** How often the original asks in an hour, by what the request is about. */
const schedule = { steps: 720, 'user-meta': 720, 'device-meta': 360 } as const;
type Kind = keyof typeof schedule;

const answers: readonly (readonly [pattern: RegExp, body: unknown])[] = [
  [/^POST \/devices\/$/, { id: '0123456789abcdef01234567', prn: 'prn:::devices:/1', secret: 's' }],
  [/^POST \/auth\/login$/, { token: 't'.repeat(600) }],
  [/^GET \/devices\/[^/]+$/, { id: '0123456789abcdef01234567', owner: 'prn:::accounts:/1' }],
  [/^GET \/trails\/$/, [{ id: '1' }]],
  [/^GET \/trails\/.*\/steps/, []],
];

class CountingHub implements HttpClient {
  readonly #host: MemoryHost;
  readonly #pushes: boolean;
  requests = 0;
  bytes = 0;
  /** When steps were asked for last. */
  asked = 0;
  /** Bytes of the largest request of each kind with its answer. */
  readonly cost: Partial<Record<Kind, number>> = {};
  #take: HttpTake | undefined;

  constructor(host: MemoryHost, pushes: boolean) {
    this.#host = host;
    this.#pushes = pushes;
  }

  #count({ method, url, headers, body }: HttpCall, answer: string): void {
    this.requests += 1;
    const head = [`${method} ${url} HTTP/1.1`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
    const sent = typeof body === 'string' ? body.length : 0;
    const bytes = head.join('\r\n').length + 4 + sent + answer.length + answerHead;
    this.bytes += bytes;
    const kind = (['steps', 'user-meta', 'device-meta'] as const).find((one) => url.includes(`/${one}`));
    if (kind !== undefined && !url.endsWith('/progress')) this.cost[kind] = Math.max(this.cost[kind] ?? 0, bytes);
  }

  async request(call: HttpCall): Promise<HttpAnswer> {
    const target = `${call.method} ${call.url.replace(/^https?:\/\/[^/]+/, '')}`;
    const text = JSON.stringify(answers.find(([pattern]) => pattern.test(target))?.[1] ?? {});
    this.#count(call, text);
    if (target.includes('/steps?')) this.asked = this.#host.clock.monotonic();
    return { status: 200, headers: {}, body: encodeUtf8(text) };
  }

  stream(call: HttpCall, take: HttpTake) {
    this.#count(call, '');
    const gone = Promise.withResolvers<void>();
    const answered = async () => {
      // An answer is never there before the request has gone out.
      await Promise.resolve();
      if (!this.#pushes) return void take.open({ status: 404, headers: {} });
      take.open({ status: 200, headers: {} });
      this.#take = take;
      const beat = () => {
        this.#tell(': still here\n\n');
        this.#host.clock.after(heartbeat, beat);
      };
      this.#host.clock.after(heartbeat, beat);
      await gone.promise;
    };
    return { ended: answered(), close: () => gone.resolve() };
  }

  /** Somebody posts a step. */
  post(): void {
    if (this.#pushes)
      this.#tell('data: {"type":"step","what":"created","device":"0123456789abcdef01234567","rev":1}\n\n');
  }

  #tell(text: string): void {
    this.bytes += text.length;
    this.#take?.bytes(encodeUtf8(text));
  }

  async download(): Promise<never> {
    throw new Error('an idle device downloads nothing');
  }
}

async function measure(
  pushes: boolean,
): Promise<{ requests: number; bytes: number; notice: number[]; cost: CountingHub['cost'] }> {
  let hub: CountingHub | undefined;
  const device = await MemoryDevice.install(
    (host) => {
      hub = new CountingHub(host, pushes);
      host.httpClient = hub;
      return memoryRevision(host, [{ name: 'web' }]);
    },
    { environment },
  );
  await device.ready();
  if (hub === undefined) throw new Error('there is no hub');
  // Registration and the first words are over by then.
  await device.host.advance(10 * 60_000);
  const before = { requests: hub.requests, bytes: hub.bytes };
  await device.host.advance(hour);
  const idle = { requests: hub.requests - before.requests, bytes: hub.bytes - before.bytes };
  const notice: number[] = [];
  for (let step = 0; step < steps; step += 1) {
    await device.host.advance(7000 + step * 137);
    const at = device.host.clock.monotonic();
    hub.post();
    const seen = hub;
    await device.host.settle();
    await device.host.runUntil(() => seen.asked >= at);
    notice.push(hub.asked - at);
  }
  await device.stop();
  return { ...idle, notice, cost: hub.cost };
}

const measured = { 'with push': await measure(true), without: await measure(false) };
const { cost } = measured.without;
const original = {
  requests: Object.values(schedule).reduce((sum, count) => sum + count, 0),
  bytes: (Object.keys(schedule) as Kind[]).reduce((sum, kind) => sum + schedule[kind] * (cost[kind] ?? 0), 0),
};
const inKiB = (bytes: number) => (bytes / 1024).toFixed(0);
const rows = Object.entries(measured).map(([name, { requests, bytes, notice }]) => [
  name,
  String(requests),
  `1/${(original.requests / requests).toFixed(1)}`,
  inKiB(bytes),
  `1/${(original.bytes / bytes).toFixed(1)}`,
  median(notice).toFixed(0),
  Math.max(...notice).toFixed(0),
]);
printTable(
  'An idle device and its Hub, without TLS: an hour, and then how soon a posted step is asked for',
  ['', 'requests/h', 'of the original', 'KiB/h', 'of the original', 'step asked for, median ms', 'longest ms'],
  [...rows, ['original, by its schedule', String(original.requests), '1', inKiB(original.bytes), '1', '2500', '5000']],
);
