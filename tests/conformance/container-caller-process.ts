/** Joins the control groups of a process (cgroups(7)), then sends each request that comes on a line of standard input. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { sendOver } from './socket-target.ts';

const [socketPath = '', initPid = ''] = process.argv.slice(2);

/** Mount point of the hierarchy that a line of /proc/PID/cgroup speaks of. */
function mountOf(id: string, controllers: string): string | undefined {
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [, , , , target = '', , ...rest] = line.split(' ');
    const dash = rest.indexOf('-');
    const [type = '', , options = ''] = rest.slice(dash + 1);
    if (id === '0' ? type === 'cgroup2' : type === 'cgroup' && options.split(',').includes(controllers.split(',')[0]!))
      return target;
  }
  return undefined;
}

for (const line of readFileSync(`/proc/${initPid}/cgroup`, 'utf8').trim().split('\n')) {
  const [id = '', controllers = '', ...path] = line.split(':');
  const mount = mountOf(id, controllers);
  const group = path.join(':');
  if (mount !== undefined && group !== '/') writeFileSync(`${mount}${group}/cgroup.procs`, String(process.pid));
}
for await (const line of createInterface({ input: process.stdin })) {
  const answer = await sendOver(socketPath, JSON.parse(line));
  process.stdout.write(`${JSON.stringify(answer ?? null)}\n`);
}
