/** Commands that only look: what runs, what the device is, and how it is claimed. */
import { formatBytes, formatDuration, formatTable, painter } from '@pantavisor/cli/output';
import type { ContainerDetailJson, GroupJson } from '@pantavisor/ctrl-api';
import type { BoxCommand, Context } from '../context.ts';
import { addressesOf, type Identity } from '../device.ts';
import { overviewOf, type Part, partNamed, partsOf, sourceText } from '../parts.ts';
import type { Style } from '../terminal/screen.ts';

interface Running {
  revision: string;
  state: string;
  parts: Part[];
  containers: ContainerDetailJson[];
  groups: GroupJson[];
}

async function look({ device }: Context): Promise<Running> {
  const [revision, state, containers, groups] = await Promise.all([
    device.running(),
    device.client.step('current'),
    device.containers(),
    device.groups(),
  ]);
  return { revision, state, parts: partsOf(state), containers, groups };
}

const kinds = { container: 'container', bsp: 'board', files: 'files' } as const;

function rowOf({ containers }: Running, part: Part): string[] {
  const container = containers.find(({ name }) => name === part.name);
  const status = container
    ? `${container.status}${reached(container) ? '' : ` (goal ${container.status_goal})`}`
    : kinds[part.kind];
  return [part.name, container?.group ?? '-', status, sourceText(part.source)];
}

const order = ['MOUNTED', 'STARTED', 'READY'];
const reached = ({ status, status_goal: goal }: ContainerDetailJson): boolean =>
  order.indexOf(status) >= order.indexOf(goal);

function styleOf({ containers }: Running, part: Part): Style | undefined {
  const container = containers.find(({ name }) => name === part.name);
  if (!container) return 'dim';
  return reached(container) ? 'green' : container.status === 'STOPPED' ? 'red' : 'yellow';
}

/** Groups in their order, then what belongs to none. */
function inOrder(running: Running): Part[] {
  const { containers, groups, parts } = running;
  const rank = (part: Part) => {
    const group = containers.find(({ name }) => name === part.name)?.group;
    const place = groups.findIndex(({ name }) => name === group);
    return part.kind === 'bsp' ? -1 : place < 0 ? groups.length : place;
  };
  return parts.sort((a, b) => rank(a) - rank(b));
}

const headings = ['PART', 'GROUP', 'STATUS', 'SOURCE'];

function overviewText(running: Running, part: Part): string {
  const container = running.containers.find(({ name }) => name === part.name);
  const now = Date.now() / 1000;
  const facts = container
    ? [
        `Group: ${container.group ?? '-'}`,
        `Status: ${container.status}, goal ${container.status_goal}`,
        `Restart policy: ${container.restart_policy}`,
        `Roles: ${container.roles.join(', ') || 'none'}`,
        ...(container.started_at === null ? [] : [`Up: ${formatDuration(now - container.started_at)}`]),
        ...(container.memory === null ? [] : [`Memory: ${formatBytes(container.memory)}`]),
      ]
    : [`Kind: ${kinds[part.kind]}`];
  const sections: [string, string[]][] = [['Now', facts], ...overviewOf(part, running.state)];
  return sections
    .map(([heading, lines]) => [`${heading}:`, ...lines.map((line) => `- ${line}`), ''].join('\n'))
    .join('\n');
}

export const view: BoxCommand = {
  names: ['view'],
  summary: 'show what runs: parts, groups, status',
  arguments: [{ name: 'part', optional: true, help: 'one part in detail', complete: 'part' }],
  examples: [
    ['pantabox view', 'every part of the running revision with its status'],
    ['pantabox view web --json', 'source, storage, files of one'],
  ],
  async run(context, { values: [name] }) {
    const running = await look(context);
    if (name !== undefined) {
      const part = partNamed(running.parts, name, `revision ${running.revision}`);
      const container = running.containers.find((each) => each.name === name);
      const overview = Object.fromEntries(overviewOf(part, running.state));
      return { text: overviewText(running, part).replace(/\n+$/, '\n'), json: { ...part, container, overview } };
    }
    const { stdout, environment } = context.host;
    const paint = painter(stdout, environment);
    const rows = inOrder(running).map((part) => {
      const style = styleOf(running, part);
      const [head = '', group = '', status = '', source = ''] = rowOf(running, part);
      const text = [
        { text: head },
        { text: group },
        style && style !== 'reverse' ? { text: status, style } : { text: status },
      ];
      return [...text, { text: source }];
    });
    const { revision, parts, containers, groups } = running;
    const columns = stdout.isTTY ? stdout.columns : Number.POSITIVE_INFINITY;
    return {
      text: `Revision ${revision}\n\n${formatTable(headings, rows, paint, columns)}`,
      json: { revision, parts, containers, groups },
    };
  },
  async screen(context) {
    for (let chosen = 0; ; ) {
      const running = await look(context);
      const parts = inOrder(running);
      const part = await context.choose({
        title: `Revision ${running.revision}`,
        headings,
        items: parts.map((each) => ({
          value: each,
          cells: rowOf(running, each),
          styles: ['bold', undefined, styleOf(running, each), 'dim'],
        })),
        empty: 'this revision has no parts',
        chosen,
      });
      if (!part) return;
      chosen = parts.indexOf(part);
      await context.read(part.name, overviewText(running, part));
    }
  },
};

async function facts({ device }: Context) {
  const [meta, user] = await Promise.all([device.client.deviceMetadata(), device.client.userMetadata()]);
  const addresses = addressesOf(meta);
  const shown = Object.entries(meta).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '',
  );
  const { mode } = { mode: meta['pantavisor.mode'] };
  return { mode: typeof mode === 'string' ? mode : '', addresses, device: shown, user: Object.entries(user), meta };
}

async function infoText(context: Context): Promise<string> {
  const { mode, addresses, device, user } = await facts(context);
  const lines = (heading: string, found: string[]) => [`${heading}:`, ...(found.length > 0 ? found : ['none']), ''];
  return [
    ...lines('Mode', [mode || 'unknown']),
    ...lines(
      'Network interfaces',
      addresses.map(([name, address]) => `${name}: ${address}`),
    ),
    ...lines(
      'Device info',
      device.map(([key, value]) => `${key}: ${value}`),
    ),
    ...lines(
      'User meta',
      user.map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`),
    ),
  ]
    .join('\n')
    .trimEnd();
}

export const info: BoxCommand = {
  names: ['info'],
  summary: 'show mode, network, device and user metadata',
  examples: [
    ['pantabox info', 'everything that the device says about itself'],
    ['pantabox info --json | jq .device', 'for scripts'],
  ],
  async run(context) {
    const { mode, addresses, meta, user } = await facts(context);
    return {
      text: `${await infoText(context)}\n`,
      json: {
        mode,
        interfaces: addresses.map(([name, address]) => ({ name, address })),
        device: meta,
        user: Object.fromEntries(user),
      },
    };
  },
  async screen(context) {
    await context.read('Info', await infoText(context));
  },
};

function claimText({ id, challenge, hub, isClaimed, isOnline, mode, hubState }: Identity): string {
  const known = [`Device id: ${id || '-'}`, `Hub: ${hub || '-'}`, `Mode: ${mode || '-'}${hubState && `, ${hubState}`}`];
  if (isClaimed)
    return [
      'Claimed:',
      ...known,
      '',
      `The device belongs to an account of its hub and is ${isOnline ? 'online' : 'not online now'}.`,
    ].join('\n');
  if (id === '' || challenge === '')
    return [
      'Not registered yet:',
      ...known,
      '',
      mode === 'local'
        ? 'A device in local mode does not talk to its hub. pantabox goremote lets it, or pantabox make-factory makes what runs its first revision.'
        : 'The device has not reached its hub. Is the network up, and is the hub right (PH_CREDS_HOST in its configuration)?',
    ].join('\n');
  return [
    'To be claimed:',
    ...known,
    `Challenge: ${challenge}`,
    '',
    'On a workstation where you are logged in:',
    `pvr claim -c ${challenge} ${hub}/devices/${id}`,
    '',
    'Or in the console of the hub: "Add a device", and paste that line.',
  ].join('\n');
}

export const claim: BoxCommand = {
  names: ['claim'],
  summary: 'show how this device is claimed at its hub',
  examples: [['pantabox claim', 'device id, challenge and the command for the workstation']],
  async run({ device }) {
    const identity = await device.identity();
    return { text: `${claimText(identity)}\n`, json: identity };
  },
  async screen(context) {
    for (;;) {
      const text = claimText(await context.device.identity());
      if ((await context.read('Claim', text, { r: 'look again' })) === undefined) return;
    }
  },
};
