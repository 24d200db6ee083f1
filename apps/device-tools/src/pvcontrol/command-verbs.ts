/** Verbs that give the device a command, or change its metadata. */
import type { CommandOperation, MetadataJson } from '@pantavisor/ctrl-api';
import { exitCodes } from './exit-codes.ts';
import { Failure, type Session, type Table } from './session.ts';
import type { Argument, Verb, VerbGroup } from './verb.ts';

const revision: Argument = { name: 'revision', kind: 'revision', help: 'stored revision, e.g. 0 or locals/x' };

async function submit(session: Session, op: CommandOperation, payload: string, words: string): Promise<void> {
  const body = await session.text('POST', '/commands', JSON.stringify({ op, payload }));
  await session.printDone(body, words);
}

function command(
  name: string,
  op: CommandOperation,
  summary: string,
  argument?: Argument,
  example: readonly [string, string] = [`pvcontrol cmd ${name}`, summary],
): Verb {
  return {
    names: [name],
    ...(argument ? { arguments: [argument] } : {}),
    summary,
    examples: [example],
    run: async (session, [payload = '']) => {
      if (argument?.kind === 'revision' && payload !== '') await requireRevision(session, payload);
      await submit(session, op, payload, `${op}: accepted; the device carries it out now`);
    },
  };
}

/** The device accepts the command for any name, and only its log and the progress of the revision tell that there is none. */
async function requireRevision(session: Session, name: string): Promise<void> {
  if (!(await session.isMissing(`/steps/${name}`))) return;
  throw new Failure(exitCodes.other.code, {
    stderr: `pvcontrol: the device has no revision ${name}; 'pvcontrol steps ls' lists what it has\n`,
  });
}

const message: Argument = { name: 'message', optional: true, kind: 'text', help: 'text for the log of the device' };

const commands: VerbGroup = {
  names: ['cmd', 'command', 'commands'],
  summary: 'give the device a command',
  verbs: [
    command('run', 'LOCAL_RUN', 'go to a stored revision', revision, [
      'pvcontrol cmd run locals/x',
      'runs it; it becomes the rollback point only after a reboot',
    ]),
    command('run-commit', 'LOCAL_RUN_COMMIT', 'go to a stored revision and make it the rollback point', revision, [
      'pvcontrol cmd run-commit locals/x',
      'runs it with a reboot, and keeps it if it holds',
    ]),
    command('apply', 'LOCAL_APPLY', 'take the changes of a revision over without a reboot', revision, [
      'pvcontrol cmd apply locals/x',
      'stops and starts only what changed',
    ]),
    command('try-once', 'TRY_ONCE', 'run a revision until the next reboot', revision, [
      'pvcontrol cmd try-once locals/x',
      'goes back on failure or at the next reboot',
    ]),
    command('reboot', 'REBOOT_DEVICE', 'restart the device', message, [
      'pvcontrol cmd reboot "new kernel"',
      'stops all containers, then restarts',
    ]),
    command('poweroff', 'POWEROFF_DEVICE', 'switch the device off', message, [
      'pvcontrol cmd poweroff',
      'stops all containers, then switches off',
    ]),
    command(
      'make-factory',
      'MAKE_FACTORY',
      'make a revision the factory revision; the device must not be claimed',
      { ...revision, optional: true, help: 'stored revision; default: the running one' },
      ['pvcontrol cmd make-factory', 'the running revision becomes revision 0'],
    ),
    command('run-gc', 'RUN_GC', 'remove revisions and objects that nothing needs'),
    command('enable-ssh', 'ENABLE_SSH', 'start the SSH server until the next reboot'),
    command('disable-ssh', 'DISABLE_SSH', 'stop the SSH server until the next reboot'),
    command('go-remote', 'GO_REMOTE', 'talk to the Hub although a local revision runs'),
    command('unclaim', 'UNCLAIM', 'give up the identity that the device has at the Hub'),
    command(
      'defer-reboot',
      'DEFER_REBOOT',
      'put off a reboot that waits for an open debug shell',
      { name: 'seconds', kind: 'text', help: 'seconds from now' },
      ['pvcontrol cmd defer-reboot 600', 'ten more minutes'],
    ),
  ],
};

function metadata(name: 'devmeta' | 'usrmeta', path: string, what: string, saveNames: readonly string[]): VerbGroup {
  const key: Argument = { name: 'key', kind: name, help: 'name of the entry' };
  return {
    names: [name],
    summary: `list and change ${what} metadata`,
    verbs: [
      {
        names: ['ls', 'list'],
        summary: `list ${what} metadata`,
        examples: [[`pvcontrol ${name} ls`, 'every key with its value']],
        run: async (session) =>
          session.printList(
            await session.text('GET', path),
            (values: MetadataJson): Table => ({
              headings: ['KEY', 'VALUE'],
              empty: `no ${what} metadata`,
              rows: Object.entries(values).map(([entry, value]) => [
                { text: entry },
                { text: typeof value === 'string' ? value : JSON.stringify(value) },
              ]),
            }),
          ),
      },
      {
        names: saveNames,
        arguments: [key, { name: 'value', optional: true, kind: 'text', help: 'at most 4096 bytes' }],
        summary: 'set an entry',
        examples: [[`pvcontrol ${name} save app.colour green`, 'the container app sees it as file colour']],
        run: async (session, [entry = '', value = '']) =>
          session.printDone(await session.text('PUT', `${path}/${entry}`, value), `${entry} is set`),
      },
      {
        names: ['delete'],
        arguments: [key],
        summary: 'remove an entry',
        examples: [[`pvcontrol ${name} delete app.colour`, 'removes it everywhere']],
        run: async (session, [entry = '']) =>
          session.printDone(await session.text('DELETE', `${path}/${entry}`), `${entry} is removed`),
      },
    ],
  };
}

export const commandVerbs: readonly VerbGroup[] = [
  commands,
  metadata('devmeta', '/device-meta', 'device', ['save', 'upload']),
  metadata('usrmeta', '/user-meta', 'user', ['save']),
];
