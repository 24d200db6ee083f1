/** pantabox from its arguments to its exit code: the device managed by a person at it, or by a script. */
import type { Output } from '@pantavisor/cli/output';
import { type CommandSpec, completionCommand, Failure, runProgram } from '@pantavisor/cli/portable';
import type { PantaboxHost } from '../host/terminal-ports.ts';
import { edit, editConfig } from './commands/edit.ts';
import { install, updateCommand } from './commands/install.ts';
import { claim, info, view } from './commands/look.ts';
import { chpasswd, reboot, shutdown } from './commands/machine.ts';
import { editSshkeys, editUsermeta } from './commands/metadata.ts';
import { golocal, goremote, goto, makeFactory, redeploy } from './commands/revisions.ts';
import { type BoxCommand, Context } from './context.ts';
import { Device } from './device.ts';
import { exitCodes, explain } from './failures.ts';
import { showMenu } from './menu.ts';
import { partsOf } from './parts.ts';
import { wrap } from './terminal/text.ts';
import { Ui } from './terminal/ui.ts';

/** In the order of the menu: what looks, what changes, what goes from one revision to another, the machine. */
export const commands: readonly BoxCommand[] = [
  view,
  info,
  install,
  updateCommand,
  edit,
  editConfig,
  editUsermeta,
  editSshkeys,
  goto,
  redeploy,
  claim,
  golocal,
  goremote,
  makeFactory,
  chpasswd,
  reboot,
  shutdown,
];

/** That of package.json. */
const version = '0.1.0';

/** Columns that every terminal has. */
const helpWidth = 78;

/** Paragraphs of a help in lines for every terminal. */
const forHelp = <C extends CommandSpec<Context>>(command: C): C =>
  command.about === undefined
    ? command
    : {
        ...command,
        about: command.about
          .split('\n\n')
          .map((paragraph) => wrap(paragraph.replaceAll('\n', ' '), helpWidth).join('\n'))
          .join('\n\n'),
      };

const table: CommandSpec<Context> = forHelp({
  names: ['pantabox'],
  summary: 'look at this device and change it',
  about: `Without a command and on a terminal it shows a menu. Each command is also a program: pantabox-view is 'pantabox view'. What a command
needs and was not told it asks for on a terminal; otherwise it says what is missing. Changes are new local revisions, which the device tries:
when one does not hold, the device goes back to the one before.`,
  flags: [
    { names: ['json'], kind: 'boolean', help: 'print one line of JSON, failures too', env: ['PANTABOX_JSON'] },
    { names: ['yes', 'y'], kind: 'boolean', help: 'answer every question with yes' },
    {
      names: ['socket', 's'],
      kind: 'text',
      value: 'path',
      help: 'control socket of the device',
      env: ['PV_CTRL_SOCKET'],
    },
  ],
  examples: [
    ['pantabox', 'the menu'],
    ['pantabox view', 'what runs'],
    ['pantabox install web.tgz && pantabox view web', 'a package, tried by the device at once'],
  ],
  commands: [...commands.map(forHelp), completionCommand('pantabox')],
  run: async (context) => {
    await showMenu(context, commands);
    return undefined;
  },
});

/** The command that a name of the program stands for: `pantabox-edit-config` is `edit-config`. */
export function commandOfName(program: string): string[] {
  const [, name] = /^pantabox-(.+)$/.exec(program) ?? [];
  return name === undefined ? [] : [name];
}

/**
 * Runs pantabox.
 * @param program what it was called by @param argv arguments
 * @returns the exit code (`failures.ts`)
 */
export async function runPantabox(program: string, argv: readonly string[], host: PantaboxHost): Promise<number> {
  const { environment, stdout, stderr, terminal, transport } = host;
  const isDumb = environment.TERM === 'dumb';
  const ui =
    terminal && !isDumb
      ? new Ui({ terminal, environment, decode: transport.decode, pause: (milliseconds) => host.pause(milliseconds) })
      : undefined;
  const deviceAt = (socket: string | undefined) => new Device(host, socket);
  // Completion of pantabox-view asks as pantabox does.
  const words = argv[0] === '__complete' ? argv : [...commandOfName(program), ...argv];
  try {
    return await runProgram<Context>(
      {
        table,
        exitCodes: Object.values(exitCodes),
        version,
        prefix: 'PANTABOX',
        createContext: (input) =>
          new Context(host, deviceAt(input.text('socket')), input.on('json') ? undefined : ui, input.on('yes')),
        candidates: async () => (kind) => candidates(deviceAt(environment.PV_CTRL_SOCKET), kind),
        explain: (error) => {
          // Before anything is written below the screens.
          ui?.close();
          return error instanceof Failure ? undefined : explain(error);
        },
      },
      words,
      {
        stdout: belowScreens(stdout, ui),
        stderr: belowScreens(stderr, ui),
        environment,
        interactive: false,
        ask: () => Promise.reject(new Error('cannot ask')),
      },
    );
  } finally {
    ui?.close();
  }
}

/** An output whose texts come when the screens are gone. */
function belowScreens({ isTTY, columns, write }: Output, ui: Ui | undefined): Output {
  return {
    isTTY,
    columns,
    write(text) {
      ui?.close();
      write(text);
    },
  };
}

async function candidates(device: Device, kind: string): Promise<readonly (readonly [string, string])[]> {
  try {
    if (kind === 'revision') return (await device.revisions()).map(({ name, commitmsg }) => [name, commitmsg] as const);
    if (kind === 'part')
      return partsOf(await device.client.step('current')).map((part) => [part.name, part.kind] as const);
    if (kind === 'usermeta') return Object.keys(await device.client.userMetadata()).map((key) => [key, ''] as const);
  } catch {
    // Without a device there are no names.
  }
  return [];
}
