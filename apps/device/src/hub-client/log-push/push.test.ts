/** Logs on their way to a Hub that loses answers, is busy, refuses lines and goes away, from a device that restarts: each line is there once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DeviceConfig } from '../../config/table.ts';
import { createMemoryHost, type MemoryHost } from '../../host/memory/host.ts';
import { HostError } from '../../host/ports.ts';
import { LogOutputs } from '../../logs/outputs.ts';
import { type HubCall, HubError } from '../connection.ts';
import type { PushedEntry } from './lines.ts';
import { LogPush } from './push.ts';

const config = {
  PV_LOG_SERVER_OUTPUTS: ['filetree'],
  PV_LOG_LEVEL: 5,
  PV_LOG_DIR_MAXSIZE: '60000',
  PV_LOG_HYSTERESIS_FACTOR: 4,
  PV_LOG_ROTATE_FACTOR: 5,
  PV_LOG_TIMESTAMP: 'relative',
} as unknown as DeviceConfig;

type Fault = 'none' | 'away' | 'answer-lost' | 'busy';

/** What a Hub does with batches: it knows streams, and never takes a line with the word poison. */
class TestHub {
  readonly stored: PushedEntry[] = [];
  readonly #next = new Map<string, number>();
  fault: Fault = 'none';
  requests = 0;

  async ask({ body, headers }: HubCall): Promise<{ status: number; text: string }> {
    this.requests += 1;
    if (this.fault === 'away') throw new HostError('ECONNREFUSED', 'ask');
    if (this.fault === 'busy') throw new HubError('send logs', 503, 'busy', 1000);
    const entries = body as PushedEntry[];
    assert.ok(entries.length > 0 && entries.length <= 200);
    if (entries.some(({ msg }) => msg.includes('poison'))) throw new HubError('send logs', 400, 'poison');
    let at = 0;
    for (const run of (headers?.['pantahub-log-runs'] ?? '').split(',')) {
      const [stream = '', first = 0, count = 0] = run
        .split(':')
        .map((part, index) => (index === 0 ? part : Number(part))) as [string, number, number];
      const skip = Math.min(count, Math.max(0, (this.#next.get(stream) ?? 0) - first));
      this.stored.push(...entries.slice(at + skip, at + count));
      this.#next.set(stream, Math.max(this.#next.get(stream) ?? 0, first + count));
      at += count;
    }
    assert.equal(at, entries.length, 'the runs tell of every entry');
    if (this.fault === 'answer-lost') throw new HostError('ECONNRESET', 'ask');
    return { status: 200, text: '{}' };
  }
}

/** One runtime after the other on a machine. */
class Sender {
  host: MemoryHost;
  readonly hub: TestHub;
  outputs!: LogOutputs;
  push!: LogPush;
  isWanted = true;

  constructor(hub: TestHub, host = createMemoryHost({})) {
    this.hub = hub;
    this.host = host;
  }

  async start(): Promise<void> {
    const { host, hub } = this;
    if ((await host.files.status('/logs')) === undefined) await host.runFor(host.files.makeDirectory('/logs'));
    this.outputs = new LogOutputs({ host, directory: '/logs', config: () => config }, '3');
    this.push = new LogPush({
      host,
      connection: hub,
      directory: '/logs',
      outputs: this.outputs,
      isWanted: () => this.isWanted,
      running: () => '3',
      withLocals: () => false,
      random: () => 0.5,
      log: () => {},
    });
    this.push.setOnline(true);
    await host.settle();
  }

  async restart(): Promise<void> {
    await this.host.runFor(this.outputs.flush());
    await this.host.runFor(this.push.close());
    this.host = this.host.restartRuntime();
    await this.start();
  }

  async cut(seed: number): Promise<void> {
    this.host = this.host.crash({ seed });
    await this.start();
  }

  say(plat: string, msg: string): void {
    const { host } = this;
    void this.outputs.take({
      platform: plat,
      source: '/var/log/messages',
      level: 3,
      wall: host.clock.wall(),
      at: host.clock.monotonic(),
      protocol: 'legacy',
      data: `${msg}\n`,
    });
  }

  /** Until everything is where it can be. */
  async rest(): Promise<void> {
    await this.host.runFor(this.outputs.flush());
    await this.host.advance(700_000);
    await this.host.runFor(this.outputs.flush());
    await this.host.advance(10_000);
  }
}

type Action =
  | { do: 'say'; plat: string; count: number; poison: boolean }
  | { do: 'wait'; ms: number }
  | { do: 'fault'; fault: Fault }
  | { do: 'restart' };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('say' as const),
      plat: fc.constantFrom('web', 'db'),
      count: fc.integer({ min: 1, max: 120 }),
      poison: fc.nat(9).map((number) => number === 0),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(10, 500, 3000, 20_000) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      fault: fc.constantFrom<Fault>('none', 'away', 'answer-lost', 'busy'),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
);

async function play(sender: Sender, actions: readonly Action[]): Promise<Map<string, string[]>> {
  const said = new Map<string, string[]>();
  let number = 0;
  for (const one of actions) {
    if (one.do === 'wait') await sender.host.advance(one.ms);
    else if (one.do === 'fault') sender.hub.fault = one.fault;
    else if (one.do === 'restart') await sender.restart();
    else
      for (let count = 0; count < one.count; count += 1) {
        number += 1;
        const isPoison = one.poison && count === 0;
        const msg = `${number} ${isPoison ? 'poison' : 'a line of some length'}`;
        sender.say(one.plat, msg);
        if (!isPoison) said.set(one.plat, [...(said.get(one.plat) ?? []), msg]);
      }
  }
  return said;
}

const linesAt = (hub: TestHub, plat: string) => hub.stored.filter((entry) => entry.plat === plat).map(({ msg }) => msg);

test('every line is at the Hub once and in order, whatever the Hub does and however often the runtime restarts', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 14 }), async (actions) => {
      const sender = new Sender(new TestHub());
      await sender.start();
      const said = await play(sender, actions);
      sender.hub.fault = 'none';
      await sender.rest();
      for (const plat of ['web', 'db']) assert.deepEqual(linesAt(sender.hub, plat), said.get(plat) ?? [], plat);
      const names = await sender.host
        .runFor(sender.host.files.list('/logs'))
        .then((found) => found.map(({ name }) => name));
      if (names.includes('3'))
        for (const { name } of await sender.host.files.list('/logs/3'))
          for (const file of await sender.host.files.list(`/logs/3/${name}/var/log`))
            assert.match(file.name, /^messages(\.\d+\.gz)?$/, 'what was sent is compressed');
    }),
    { numRuns: 60 },
  );
});

test('after power cuts no line is at the Hub twice', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { maxLength: 6 }),
      fc.array(action, { maxLength: 6 }),
      fc.nat(1000),
      async (before, after, seed) => {
        const sender = new Sender(new TestHub());
        await sender.start();
        await play(sender, before);
        await sender.cut(seed);
        // Numbers begin anew: lines of another life.
        const earlier = new Set(sender.hub.stored.map(({ plat, msg }) => `${plat} ${msg}`));
        assert.equal(earlier.size, sender.hub.stored.length);
        const said = await play(
          sender,
          after.map((one) => (one.do === 'say' ? { ...one, plat: `new-${one.plat}` } : one)),
        );
        sender.hub.fault = 'none';
        await sender.rest();
        const all = sender.hub.stored.map(({ plat, msg }) => `${plat} ${msg}`);
        assert.equal(new Set(all).size, all.length, 'nothing twice');
        for (const [plat, lines] of said) assert.deepEqual(linesAt(sender.hub, plat), lines);
      },
    ),
    { numRuns: 60 },
  );
});

test('a quiet device asks nothing, a chatty one in batches, and nothing is sent when nobody wants it', async () => {
  const sender = new Sender(new TestHub());
  await sender.start();
  await sender.host.advance(3_600_000);
  assert.equal(sender.hub.requests, 0);
  for (let number = 0; number < 1000; number += 1) sender.say('web', `line ${number}`);
  await sender.rest();
  assert.equal(linesAt(sender.hub, 'web').length, 1000);
  assert.ok(sender.hub.requests <= 7, `${sender.hub.requests} requests`);
  sender.isWanted = false;
  sender.push.follow();
  for (let number = 0; number < 1000; number += 1) sender.say('web', `unwanted ${number}`);
  await sender.rest();
  assert.equal(linesAt(sender.hub, 'web').length, 1000);
});

test('the level of the runtime’s own lines is told, and a file of an unknown place is no log', async () => {
  const sender = new Sender(new TestHub());
  await sender.start();
  const at = sender.host.clock.monotonic();
  sender.outputs.own({ at, level: 'ERROR', source: 'hub', message: 'cannot' });
  await sender.host.runFor(sender.host.files.write('/logs/stray', 'x\n'));
  await sender.rest();
  const [entry] = sender.hub.stored;
  assert.equal(sender.hub.stored.length, 1);
  assert.deepEqual([entry?.lvl, entry?.plat, entry?.src, entry?.rev], ['ERROR', 'pantavisor', '/pantavisor.log', '3']);
});
