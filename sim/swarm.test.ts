/** A small swarm as part of every test run: a fleet, a hub that dies in the middle of an update, power cuts, and devices on which it does not hold. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Campaign, type SwarmOptions } from './swarm/campaign.ts';
import { FleetHub } from './swarm/fleet-hub.ts';
import { routeOf } from './swarm/meter.ts';
import { formatReport } from './swarm/report.ts';

const minute = 60_000;
const usual: SwarmOptions = {
  devices: 12,
  broken: 2,
  powerCuts: 4,
  killHub: true,
  restart: false,
  seed: 1,
  patience: 2 * minute,
  settings: { PV_UPDATER_COMMIT_DELAY: '1' },
};

test('a fleet is updated over power cuts and the death of its hub, and what failed is found and mended', {
  timeout: 5 * minute,
}, async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'swarm-'));
  const hub = await FleetHub.start(data);
  t.after(async () => {
    await hub.stop();
    rmSync(data, { recursive: true, force: true });
  });
  const campaign = new Campaign(hub, await hub.joinToken(), usual, () => {});
  t.after(() => campaign.end());
  const report = await campaign.run();
  t.diagnostic(`\n${formatReport(report, { swarm: 0 })}`);
  assert.deepEqual(report.problems, []);
  assert.equal(report.powerCuts, usual.powerCuts);
  assert.deepEqual(
    report.stages.map(({ stage }) => stage),
    ['join', 'update', 'mend'],
  );
  assert.ok(report.failed.length >= usual.broken, JSON.stringify(report.failed));
  for (const { message } of report.failed) assert.notEqual(message, '');
  // Another run in the account has devices of its own, and sees and changes none of these.
  const other = await FleetHub.join({ url: hub.url, username: 'user1', password: 'user1' });
  assert.deepEqual([(await other.fleet()).length, (await hub.fleet()).length], [0, usual.devices]);
  // The hub was away: some have noticed, and nobody was lost.
  const refused = report.routes
    .flatMap(({ others }) => Object.keys(others))
    .filter((outcome) => /^ECONN/.test(outcome));
  assert.notDeepEqual(refused, []);
});

test('a swarm that cannot be is refused with words', () => {
  const run = (...argv: string[]) =>
    spawnSync(process.execPath, ['sim/swarm.ts', ...argv], {
      encoding: 'utf8',
      env: { ...process.env, SWARM_PASSWORD: 'x' },
    });
  const none = run('--devices', 'many');
  assert.deepEqual(
    [none.status, none.stderr],
    [64, "swarm: --devices takes a whole number from 1 on, not 'many'; see --help\n"],
  );
  const away = run('--hub', 'http://127.0.0.1:54321');
  assert.equal(away.status, 69, away.stderr);
  assert.match(away.stderr, /^swarm: cannot reach http:\/\/127\.0\.0\.1:54321: .*ECONNREFUSED/);
});

test('requests are counted by route', () => {
  const id = '6b0997da03aeffa6cf5111ee';
  assert.equal(routeOf(`http://hub/trails/${id}/steps/12/progress?x=1`), '/trails/:id/steps/:rev/progress');
  assert.equal(routeOf(`http://hub/objects/${'a'.repeat(64)}`), '/objects/:sha');
  assert.equal(routeOf(`http://hub/local-s3/${'x.'.repeat(60)}`), '/local-s3/:token');
});
