/** `pvr device`. */
import {
  type CommandSpec,
  type Flag,
  formatTable,
  type Input,
  painter,
  printable,
  requireWords,
} from '@pantavisor/cli';
import type { Pvr } from '../context.ts';

type Command = CommandSpec<Pvr>;

const create: Command = {
  names: ['create'],
  summary: 'make a device at the hub, with the committed state as its first revision',
  arguments: [{ name: 'nick', optional: true, help: 'default: the hub finds one' }],
  async run(pvr, input) {
    const { createDevice } = await import('../hub/devices.ts');
    const { prettyText } = await import('../repository/values.ts');
    const text = await createDevice(pvr, pvr.repository(), input.values[0]);
    return { text: `${prettyText(text, '    ', true)}\nDevice Created Successfully\n`, json: { raw: text } };
  },
};

const get: Command = {
  names: ['get'],
  summary: 'show a device',
  arguments: [{ name: 'device', help: 'id, nick, or <user>/<nick>' }],
  async run(pvr, input) {
    const { getDevice } = await import('../hub/devices.ts');
    const { prettyText } = await import('../repository/values.ts');
    const [name] = requireWords(input, 'pvr device get', ['device']);
    const text = await getDevice(pvr, name);
    return { text: `${prettyText(text, '    ', true)}\n`, json: { raw: text } };
  },
};

const set: Command = {
  names: ['set'],
  summary: 'set metadata of a device',
  arguments: [
    { name: 'device', help: 'id, nick, or <user>/<nick>' },
    { name: 'key=value', rest: true, help: 'a key alone deletes it' },
  ],
  examples: [
    ['pvr device set mydevice pvr-sdk.authorized_keys="$(cat ~/.ssh/id_ed25519.pub)"', 'let yourself in by ssh'],
  ],
  async run(pvr, input) {
    const { setMetadata } = await import('../hub/devices.ts');
    const { prettyText } = await import('../repository/values.ts');
    const [name] = requireWords(input, 'pvr device set', ['device', 'key=value']);
    const { text, kind } = await setMetadata(pvr, name, input.values.slice(1));
    return { text: `${prettyText(text, '    ', true)}\n${kind} field Updated Successfully\n`, json: { raw: text } };
  },
};

const list: Command = {
  names: ['ps'],
  summary: 'list your devices',
  async run(pvr) {
    const { listDevices, timeAgo } = await import('../hub/devices.ts');
    const { stdout, environment } = pvr.terminal;
    const devices = await listDevices(pvr);
    const now = Date.now();
    const rows = devices.map((device) =>
      [
        device.deviceid.slice(0, 8),
        device['device-nick'],
        String(device['progress-revision']),
        device.status,
        device['state-sha'].slice(0, 8),
        timeAgo(device.timestamp, now),
        device['real-ip'],
        device['status-msg'],
      ].map((text) => ({ text })),
    );
    const headings = ['ID', 'NICK', 'REV', 'STATUS', 'STATE', 'SEEN', 'IP', 'MESSAGE'];
    const columns = stdout.isTTY ? stdout.columns : Number.POSITIVE_INFINITY;
    return { text: formatTable(headings, rows, painter(stdout, environment), columns), json: devices };
  },
};

const text = (names: readonly string[], value: string, help: string, env?: string): Flag => ({
  names,
  kind: 'text',
  value,
  help,
  ...(env === undefined ? {} : { env: [env] }),
});

const logs: Command = {
  names: ['logs'],
  summary: 'show the log of devices, and go on as it grows',
  about:
    "Without --to or --once it goes on until it is interrupted. -f alone says so, too; -f <time> is the original's short form of\n--from. A template is short, json, or one of Go's language: {{.Field}}, pipes, if, else, with, end; .TimeCreated .Device\n.LogRev .LogPlat .LogSource .LogLevel .LogText; printf, basename, timeformat, eq, contains, upper, trunc, default and others.",
  arguments: [
    { name: 'target', optional: true, help: '<device>[,…][/source][@level][#platform]; default: all your devices' },
  ],
  flags: [
    text(
      ['from'],
      'time',
      'a date, RFC 3339, or a duration such as PT1H before now; default: a minute ago',
      'PVR_LOGS_FROM_DATE',
    ),
    text(['to', 't'], 'time', 'likewise; a duration counts from --from', 'PVR_LOGS_TO_DATE'),
    { names: ['follow'], kind: 'boolean', help: 'go on as the log grows' },
    { names: ['once'], kind: 'boolean', help: 'end when everything that is there is shown' },
    { ...text(['rev', 'r'], 'revision', 'only this revision', 'PVR_LOGS_REV'), fallback: '-1' },
    { ...text(['template', 's'], 'template', 'how an entry is shown', 'PVR_LOGS_TEMPLATE'), fallback: 'short' },
    text(['platform', 'p'], 'names', 'only these containers', 'PVR_LOGS_PLATFORM'),
    text(['device', 'd'], 'names', 'only these devices', 'PVR_LOGS_DEVICE'),
    text(['source', 'src'], 'names', 'only these files', 'PVR_LOGS_SOURCE'),
    text(['level', 'l'], 'names', 'only these levels', 'PVR_LOGS_LEVEL'),
  ],
  examples: [
    ['pvr device logs -f mydevice', 'follow one device'],
    [
      'pvr device logs --from PT1H --once --template \'{{.TimeCreated | timeformat "Stamp"}} {{.LogText}}\'',
      'the last hour, in another form',
    ],
  ],
  async run(pvr, input) {
    const { readLogs } = await import('../hub/logs.ts');
    const { logFormatter } = await import('../hub/log-template.ts');
    const query = await logQuery(input);
    const format = logFormatter(pvr.json ? 'json' : input.text('template')!);
    const follow = !input.on('once') && (input.on('follow') || query.before === undefined);
    for await (const entry of readLogs(pvr, query, follow)) {
      // Whatever a container wrote must not control the terminal.
      const line = format(entry);
      pvr.terminal.stdout.write(`${pvr.terminal.stdout.isTTY ? line.split('\n').map(printable).join('\n') : line}\n`);
    }
    return undefined;
  },
};

async function logQuery(input: Input) {
  const { deviceNames, readLogTarget, readTime, sourceNames } = await import('../hub/log-query.ts');
  const target = readLogTarget(input.values[0] ?? '');
  const now = new Date();
  const revision = input.text('rev') === '-1' ? '' : input.text('rev')!;
  const given = input.text('from');
  const from = given ? readTime(given, now, -1) : revision === '' ? new Date(now.getTime() - 60_000) : undefined;
  const to = input.text('to');
  const before = to ? readTime(to, from ?? now, 1).toISOString() : undefined;
  return {
    devices: deviceNames(input.text('device') ?? '') || target.devices,
    sources: sourceNames(input.text('source') ?? '') || target.sources,
    levels: input.text('level') || target.levels,
    platforms: input.text('platform') || target.platforms,
    revision,
    ...(from === undefined ? {} : { after: from.toISOString() }),
    ...(before === undefined ? {} : { before }),
  };
}

const scan: Command = {
  names: ['scan'],
  summary: 'find devices in the local network',
  flags: [{ ...text(['time'], 'seconds', 'how long to listen'), fallback: '15' }],
  async run(pvr, input) {
    const { scan: listen } = await import('../hub/scan.ts');
    pvr.note('Scanning ...');
    const devices = await listen(Math.max(1, Number(input.text('time')) || 15) * 1000);
    for (const device of devices) {
      const { id, challenge, hub, host, ipv4, ipv6, port } = device;
      const web = hub.includes('api2') ? 'https://hub2.pantacor.com' : 'https://hub.pantacor.com';
      const lines = [
        `ID: ${id} (${challenge === undefined ? 'owned' : 'unclaimed'})`,
        `Host: ${host}.`,
        `IPv4: [${ipv4.join(' ')}]`,
        `IPv6: [${ipv6.join(' ')}]`,
        `Port: ${port}`,
        ...(challenge === undefined
          ? [`Pantahub WWW: ${web}/u/_/devices/${id}`, `PVR Clone: https://${hub}/trails/${id}`]
          : [`Claim Cmd: pvr claim -c ${challenge} https://${hub}/devices/${id}`]),
      ];
      pvr.note(lines.map((line) => `\t${printable(line)}`).join('\n'));
    }
    pvr.note(`Pantavisor devices detected in network: ${devices.length} (see above for details)`);
    return { text: '', json: devices };
  },
};

function deprecated(command: Command): Command {
  const [name = ''] = command.names;
  return {
    ...command,
    hidden: true,
    run: (pvr, input) => {
      const line = `DEPRECATED: use 'pvr device ${name}'\n`;
      if (pvr.json) pvr.terminal.stderr.write(line);
      else pvr.terminal.stdout.write(line);
      return command.run!(pvr, input);
    },
  };
}

export const deviceCommands: readonly Command[] = [
  {
    names: ['device', 'dev'],
    summary: 'devices of a hub and of the local network',
    commands: [create, get, set, list, logs, scan],
  },
  ...[list, logs, scan].map(deprecated),
];

/** The original's `-f` of `logs` takes a time; here it also stands alone, for "follow". */
export function readFollowFlag(argv: readonly string[]): string[] {
  if (!argv.includes('logs')) return [...argv];
  return argv.map((word, index) => {
    if (word !== '-f') return word;
    const next = argv[index + 1] ?? '';
    return /^(\d{4}-\d{2}|P[\dT])/.test(next) ? '--from' : '--follow';
  });
}
