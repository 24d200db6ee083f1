/** `npm run sim -- swarm`: a fleet of simulated devices on a real hub, from joining to mending what failed. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Campaign, type Tell } from './swarm/campaign.ts';
import { FleetHub } from './swarm/fleet-hub.ts';
import { formatReport } from './swarm/report.ts';

const help = `npm run sim -- swarm [OPTIONS]

Devices that run the real program on simulated machines join a real hub, get a revision, fail with it or lose their power on the way; who
failed is found and gets the earlier revision back. In the end every device has to run what the hub says. Docs: docs/swarm.md

  --devices N      how many (default 100)
  --broken N       on how many of them the new revision does not hold (default 3)
  --power-cuts N   how many lose their power during the update (default 5)
  --kill-hub       kills the hub in the middle of the update, and starts it again
  --restart        the new revision takes a restart of the device
  --hub URL        a hub that runs already, instead of one of its own; the devices stay in the account
  --user NAME      account there (default user1); its password is in the environment, SWARM_PASSWORD
  --stay           goes on until it is interrupted, so that the fleet can be looked at in the console
  --patience N     seconds until a stage is given up (default 300)
  --seed N         for everything that is drawn by chance (default 1)
  --json           the result as JSON
  --help           prints this

Examples:
  npm run sim -- swarm --devices 500 --kill-hub
  SWARM_PASSWORD=… npm run sim -- swarm --hub https://hub.example --user me --devices 20

Exit codes: 0 every device came to rest on the right revision, 1 it did not, 64 wrong arguments, 69 the hub cannot be reached,
130 interrupted.
`;

function wrong(message: string): never {
  console.error(`swarm: ${message}; see --help`);
  process.exit(64);
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        devices: { type: 'string', default: '100' },
        broken: { type: 'string', default: '3' },
        'power-cuts': { type: 'string', default: '5' },
        'kill-hub': { type: 'boolean', default: false },
        restart: { type: 'boolean', default: false },
        hub: { type: 'string' },
        user: { type: 'string', default: 'user1' },
        stay: { type: 'boolean', default: false },
        patience: { type: 'string', default: '300' },
        seed: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return wrong(error instanceof Error ? error.message : String(error));
  }
}

const options = readArguments();
if (options.help) {
  console.log(help);
  process.exit(0);
}
const whole = (name: 'devices' | 'broken' | 'power-cuts' | 'patience' | 'seed', least: number): number => {
  const number = /^\d{1,6}$/.test(options[name]) ? Number(options[name]) : Number.NaN;
  return number >= least ? number : wrong(`--${name} takes a whole number from ${least} on, not '${options[name]}'`);
};

/** Resident memory of a process, in MiB. */
const residentMiB = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

function openHub(data: string): Promise<FleetHub> {
  const { hub: url, user: username } = options;
  if (url === undefined) return FleetHub.start(data);
  const password = process.env.SWARM_PASSWORD;
  if (password === undefined) return wrong('the password of --hub has to be in SWARM_PASSWORD');
  if (options['kill-hub']) return wrong('--kill-hub is for a hub of its own, not for --hub');
  return FleetHub.join({ url, username, password });
}

/** @returns the exit code */
async function main(): Promise<number> {
  const wanted = {
    devices: whole('devices', 1),
    broken: whole('broken', 0),
    powerCuts: whole('power-cuts', 0),
    patience: whole('patience', 1) * 1000,
    seed: whole('seed', 0),
    killHub: options['kill-hub'],
    restart: options.restart,
    settings: {},
  };
  const data = mkdtempSync(join(tmpdir(), 'swarm-'));
  const interrupted = new Promise<'interrupted'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve('interrupted'));
  });
  const showsProgress = process.stderr.isTTY && !options.json;
  const tell: Tell = (stage, done, all) => {
    if (showsProgress) process.stderr.write(`\r\x1b[K${stage} ${done}/${all}`);
  };
  const emptyMemory = residentMiB(process.pid);
  let hub: FleetHub | undefined;
  let campaign: Campaign | undefined;
  try {
    hub = await openHub(data).catch((error: Error) => {
      throw Object.assign(error, { exitCode: 69 });
    });
    campaign = new Campaign(hub, await hub.joinToken(), wanted, tell);
    const report = await Promise.race([campaign.run(), interrupted]);
    if (showsProgress) process.stderr.write('\r\x1b[K');
    if (report === 'interrupted') return 130;
    const memory = { swarm: residentMiB(process.pid) - emptyMemory, ...(hub.pid && { hub: residentMiB(hub.pid) }) };
    console.log(options.json ? JSON.stringify({ ...wanted, ...report, memory }) : formatReport(report, memory));
    if (options.stay) {
      console.error(`\nthe fleet goes on at ${hub.url}, account ${options.user}, as ${hub.query}; interrupt to end it`);
      await interrupted;
    }
    return report.problems.length === 0 ? 0 : 1;
  } catch (error) {
    if (showsProgress) process.stderr.write('\r\x1b[K');
    if (!(error instanceof Error)) throw error;
    console.error(`swarm: ${error.message}`);
    return 'exitCode' in error && typeof error.exitCode === 'number' ? error.exitCode : 1;
  } finally {
    await campaign?.end();
    await hub?.stop();
    rmSync(data, { recursive: true, force: true });
  }
}

process.exit(await main());
