/** What a machine tells about its start: on its console, and as it is seen from outside. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Machine, MachineConsole } from '@pantavisor/images/qemu';
import type { ContainerRecipe } from '../../containers/src/recipe.ts';
import { probeContainer } from '../../tests/harness/revision.ts';
import { askWeb, WebWatch } from './web-watch.ts';

/** TCP port of the container `web`. */
export const webPort = 8080;
/** Hard limit of one start in seconds. */
export const patience = 600;
/** Seconds from the last container on until memory is looked at. */
const calm = 10;

const server = `trap 'exit 0' PWR TERM
mkdir -p /tmp/www/cgi-bin
cp /etc/version /tmp/www/version
cat > /tmp/www/cgi-bin/meminfo <<'END'
#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
cat /proc/meminfo
END
chmod +x /tmp/www/cgi-bin/meminfo
httpd -f -p ${webPort} -h /tmp/www &
while :; do wait $!; done
`;

/** A web server that answers with a version, and with the machine's memory. */
export function webOf(version: string): ContainerRecipe {
  const config = { '/etc/version': version, '/start.sh': server };
  return probeContainer('web', ['init'], { group: 'app', network: 'host', init: ['/bin/sh', '/start.sh'], config });
}

/** Lines of a console on which the moments of a start are told. */
export interface StartLines {
  runtime: RegExp;
  first: RegExp;
  all: RegExp;
}

export interface Start {
  /** Seconds since the kernel's start. */
  runtime: number;
  first: number;
  all: number;
  /** Seconds from power-on to the first answer of `web`, with firmware and boot loader. */
  answer: number;
  /** KiB that are not available to others, when nothing happens any more. */
  memory: number;
}

/** Seconds since the kernel's start at which a line was printed; printk writes them before it. */
async function momentOf(console: MachineConsole, pattern: RegExp): Promise<number> {
  const line = new RegExp(`\\[ *([0-9.]+)\\] .*(?:${pattern.source})`);
  return Number((await console.waitFor(line, { seconds: patience }))[1]);
}

async function memoryInUse(port: number): Promise<number> {
  await sleep(calm * 1000);
  let text = '';
  for (let attempt = 0; attempt < 5 && text === ''; attempt += 1)
    text = (await askWeb(port, '/cgi-bin/meminfo', 30_000)) ?? '';
  const number = (name: string) => {
    const found = new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(text);
    if (found === null) throw new Error(`cannot measure: the machine does not tell ${name}`);
    return Number(found[1]);
  };
  return number('MemTotal') - number('MemAvailable');
}

/**
 * Follows a start to its end.
 * @param poweredOn when the machine was started, as `performance.now()` tells
 * @returns what was measured, and what goes on watching the web server
 */
export async function measureStart(
  machine: Machine,
  poweredOn: number,
  lines: StartLines,
): Promise<{ start: Start; watch: WebWatch }> {
  const { console } = machine;
  const port = await machine.port(webPort);
  const watch = new WebWatch(port, '/version');
  try {
    const runtime = await momentOf(console, lines.runtime);
    const first = await momentOf(console, lines.first);
    const all = await momentOf(console, lines.all);
    const answer = ((await watch.answered('first', poweredOn, patience)) - poweredOn) / 1000;
    const memory = await memoryInUse(port);
    return { start: { runtime, first, all, answer, memory }, watch };
  } catch (error) {
    watch.stop();
    throw error;
  }
}
