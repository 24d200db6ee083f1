/** Verbs about what runs: containers, groups, signal, graph, daemons, configuration, build information. */
import { type Cell, formatBytes, formatDuration, type Style } from '@pantavisor/cli/output';
import type {
  ConfigEntryJson,
  ConfigJson,
  ContainerDetailJson,
  ContainerJson,
  ContainerStatusName,
  DaemonJson,
  GraphLinkJson,
  GroupJson,
} from '@pantavisor/ctrl-api';
import { exitCodes } from './exit-codes.ts';
import { Failure, type Session, type Table } from './session.ts';
import type { Argument, Verb, VerbGroup } from './verb.ts';

const styles: Readonly<Partial<Record<ContainerStatusName, Style>>> = {
  STARTED: 'green',
  READY: 'green',
  RECOVERING: 'yellow',
  STARTING: 'yellow',
  STOPPING: 'yellow',
  BLOCKED: 'yellow',
  STOPPED: 'dim',
};
const statusCell = (status: ContainerStatusName): Cell => {
  const style = styles[status];
  return style ? { text: status, style } : { text: status };
};
const text = (value: string): Cell => ({ text: value });
const number = (value: string): Cell => ({ text: value, right: true });

/** Rows for people; the details are there only when the device knows `?detail=1`. */
function containerTable(now: number) {
  return (list: (ContainerJson & Partial<ContainerDetailJson>)[]): Table => ({
    headings: ['NAME', 'GROUP', 'STATUS', 'GOAL', 'RESTART', 'ROLE', 'PID', 'MEMORY', 'UPTIME', 'RETRIES'],
    empty: 'no containers in the running revision',
    rows: list.map((entry) => [
      text(entry.name),
      text(entry.group ?? '-'),
      statusCell(entry.status),
      text(entry.status_goal),
      text(entry.user_stopped === 'true' ? `${entry.restart_policy}, stopped` : entry.restart_policy),
      text(entry.roles.join(',') || '-'),
      number(entry.pid ? String(entry.pid) : '-'),
      number(entry.memory ? formatBytes(entry.memory) : '-'),
      number(entry.started_at ? formatDuration(now / 1000 - entry.started_at) : '-'),
      number(retries(entry)),
    ]),
  });
}

function retries({ auto_recovery: rule }: ContainerJson): string {
  if (!rule) return '-';
  return rule.max_retries === 0 ? `${rule.current_retries}` : `${rule.current_retries}/${rule.max_retries}`;
}

const groupTable = (list: GroupJson[]): Table => ({
  headings: ['NAME', 'STATUS', 'GOAL', 'RESTART', 'RECOVERY'],
  empty: 'no groups in the running revision',
  rows: list.map((entry) => {
    const rule = entry.auto_recovery;
    const recovery = rule ? `${rule.max_retries || 'unlimited'} retries, then ${rule.backoff_policy}` : '-';
    return [
      text(entry.name),
      statusCell(entry.status),
      text(entry.status_goal),
      text(entry.restart_policy),
      text(recovery),
    ];
  }),
});

async function listContainers(session: Session): Promise<void> {
  const body = await session.text('GET', session.isHuman ? '/containers?detail=1' : '/containers');
  await session.printList(body, containerTable(Date.now()));
}

const container: Argument = { name: 'name', kind: 'container', help: 'container of the running revision' };

function containerAction(action: 'start' | 'stop' | 'restart', summary: string): Verb {
  return {
    names: [action],
    arguments: [container],
    summary,
    examples: [[`pvcontrol containers ${action} app`, `${action}s the container app`]],
    run: async (session, [name = '']) => {
      const body = await session.text('PUT', `/containers/${name}`, JSON.stringify({ action }));
      await session.printDone(body, `${name}: ${action} accepted; see how it goes with 'pvcontrol ls'`);
    },
  };
}

const containers: VerbGroup = {
  names: ['containers'],
  summary: 'list, start, stop and restart containers',
  verbs: [
    {
      names: ['ls', 'list'],
      summary: 'list containers with group, status and goal',
      examples: [
        ['pvcontrol containers ls', 'a table on a terminal, JSON in a pipe'],
        ['pvcontrol --json containers ls', 'always JSON'],
      ],
      run: listContainers,
    },
    containerAction('start', 'start a container that was stopped'),
    containerAction('stop', 'stop a container; it stays stopped until it is started'),
    containerAction('restart', 'stop a container and start it again'),
  ],
};

const list: VerbGroup = {
  names: ['ls', 'list'],
  summary: 'list containers of the running revision',
  alone: listContainers,
  examples: [
    ['pvcontrol ls', 'a table on a terminal, JSON in a pipe'],
    ['pvcontrol ls --json | jq -r .[].name', 'the names alone'],
  ],
  verbs: [],
};

const groups: VerbGroup = {
  names: ['groups', 'group'],
  summary: 'list groups of containers',
  verbs: [
    {
      names: ['ls', 'list'],
      summary: 'list groups in starting order',
      examples: [['pvcontrol groups ls', 'groups with status and goal']],
      run: async (session) => session.printList(await session.text('GET', '/groups'), groupTable),
    },
  ],
};

function signalVerb(type: 'ready' | 'alive', summary: string): Verb {
  return {
    names: [type],
    summary,
    examples: [[`pvcontrol signal ${type}`, 'to be called inside a container']],
    run: async (session) => {
      const body = await session.text('POST', '/signal', JSON.stringify({ type, payload: '' }));
      await session.printDone(body, `${type}: the device has heard it`);
    },
  };
}

const signal: VerbGroup = {
  names: ['signal'],
  summary: 'tell the device how the calling container is',
  verbs: [
    signalVerb('ready', 'the container is ready, as its status goal READY asks for'),
    signalVerb('alive', 'kept for old scripts; devices refuse it'),
  ],
};

const buildinfo: VerbGroup = {
  names: ['buildinfo'],
  summary: 'show how the runtime was built',
  alone: async (session) => session.print(await session.text('GET', '/buildinfo')),
  examples: [['pvcontrol buildinfo', 'lines of text']],
  verbs: [],
};

const legacyConfig: VerbGroup = {
  names: ['config'],
  summary: 'show the configuration by older names',
  verbs: [
    {
      names: ['ls', 'list'],
      summary: 'list older names and values',
      examples: [['pvcontrol config ls', 'one object, choices as numbers']],
      run: async (session) =>
        session.printList(
          await session.text('GET', '/config'),
          (values: ConfigJson): Table => ({
            headings: ['NAME', 'VALUE'],
            rows: Object.entries(values).map(([name, value]) => [
              text(name),
              text(value === null ? '-' : String(value)),
            ]),
          }),
        ),
    },
  ],
};

const config: VerbGroup = {
  names: ['conf', 'configuration'],
  summary: 'show the configuration and where it comes from',
  verbs: [
    {
      names: ['ls', 'list'],
      summary: 'list every key with its value and its level',
      examples: [['pvcontrol conf ls', 'the level says which source won']],
      run: async (session) =>
        session.printList(
          await session.text('GET', '/config2'),
          (entries: ConfigEntryJson[]): Table => ({
            headings: ['KEY', 'FROM', 'VALUE'],
            rows: entries.map(({ key, value, modified }) => [
              text(key),
              modified === 'default' ? { text: modified, style: 'dim' } : text(modified),
              text(value === '(null)' ? '-' : value),
            ]),
          }),
        ),
    },
  ],
};

const graph: VerbGroup = {
  names: ['graph'],
  summary: 'show the connections between containers',
  verbs: [
    {
      names: ['ls', 'list'],
      summary: 'list the links of the service mesh',
      examples: [['pvcontrol graph ls', 'one link for each consumer and provider']],
      run: async (session) =>
        session.printList(
          await session.text('GET', '/xconnect-graph'),
          (links: GraphLinkJson[]): Table => ({
            headings: ['CONSUMER', 'PROVIDER', 'NAME', 'TYPE', 'ROLE', 'TARGET'],
            empty: 'no connections',
            rows: links.map(({ consumer, provider, name, type, role, target }) =>
              [consumer, provider, name, type, role, target ?? '-'].map(text),
            ),
          }),
        ),
    },
  ],
};

const daemon: Argument = { name: 'name', kind: 'daemon', help: 'daemon of the device' };
const daemonTable = (entries: DaemonJson[]): Table => ({
  headings: ['NAME', 'PID', 'RESPAWN'],
  empty: 'no daemons',
  rows: entries.map(({ name, pid, respawn }) => [
    text(name),
    number(pid > 0 ? String(pid) : '-'),
    text(respawn ? 'yes' : 'no'),
  ]),
});

async function controlDaemon(session: Session, name: string, action: 'start' | 'stop'): Promise<string> {
  return session.text('PUT', `/daemons/${name}`, JSON.stringify({ action }));
}

function daemonAction(action: 'start' | 'stop', summary: string): Verb {
  return {
    names: [action],
    arguments: [daemon],
    summary,
    examples: [[`pvcontrol daemons ${action} pv-xconnect`, `${action}s the daemon`]],
    run: async (session, [name = '']) =>
      session.printDone(await controlDaemon(session, name, action), `${name}: ${action} accepted`),
  };
}

const daemons: VerbGroup = {
  names: ['daemons', 'daemon'],
  summary: 'list, start and stop daemons of the device',
  verbs: [
    {
      names: ['ls', 'list'],
      summary: 'list daemons',
      examples: [['pvcontrol daemons ls', 'daemons with their process ids']],
      run: async (session) => session.printList(await session.text('GET', '/daemons'), daemonTable),
    },
    {
      names: ['get'],
      arguments: [daemon],
      summary: 'show one daemon',
      examples: [['pvcontrol daemons get pv-xconnect', 'its entry of the list']],
      run: async (session, [name = '']) => {
        const entries = session.parse<DaemonJson[]>(await session.text('GET', '/daemons'));
        const found = entries.filter((entry) => entry.name === name);
        if (found.length === 0)
          throw new Failure(exitCodes.other.code, { stderr: `pvcontrol: the device has no daemon ${name}\n` });
        if (session.isHuman) await session.printList(JSON.stringify(found), daemonTable);
        else await session.print(JSON.stringify(found[0]));
      },
    },
    daemonAction('start', 'start a daemon and keep it running'),
    daemonAction('stop', 'stop a daemon for good'),
    {
      names: ['restart'],
      arguments: [daemon],
      summary: 'stop a daemon and start it again',
      examples: [['pvcontrol daemons restart pv-xconnect', 'stop, then start']],
      run: async (session, [name = '']) => {
        await controlDaemon(session, name, 'stop');
        await session.printDone(await controlDaemon(session, name, 'start'), `${name}: restart accepted`);
      },
    },
  ],
};

export const runningVerbs: readonly VerbGroup[] = [list, containers, groups, signal];
export const inspectionVerbs: readonly VerbGroup[] = [buildinfo, config, legacyConfig, graph, daemons];
