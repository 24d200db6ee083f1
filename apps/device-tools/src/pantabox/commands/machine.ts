/** The machine itself: its password, restart and end. */
import { Failure } from '@pantavisor/cli/portable';
import type { CommandOperation } from '@pantavisor/ctrl-api';
import { joined } from '@pantavisor/ctrl-api/portable';
import type { BoxCommand, Context } from '../context.ts';
import { withPassword } from '../shadow.ts';

const shadow = '/etc/shadow';
/** Where the container keeps it over restarts: its init puts it back. */
const kept = '/var/pvr-sdk/shadow';

/** Runs a program; its output, or undefined when there is no such program. @throws Failure when it fails */
async function output({ host }: Context, argv: readonly string[], input: string): Promise<string | undefined> {
  const helper = await host.help(argv, host.environment, input).catch(() => undefined);
  if (!helper) return undefined;
  const pieces: Uint8Array[] = [];
  for await (const piece of helper.output) pieces.push(piece);
  const { code, errors } = await helper.ended;
  if (code === 0) return host.transport.decode(joined(pieces));
  throw new Failure('password', `cannot set the password: ${argv[0]} says: ${errors.trim() || `exit code ${code}`}`);
}

async function setPassword(context: Context, user: string, password: string): Promise<void> {
  const { host } = context;
  const users = await host.files.readText('/etc/passwd').catch(() => '');
  if (!users.split('\n').some((line) => line.startsWith(`${user}:`)))
    throw new Failure('password', `cannot set the password of ${user}: there is no such user here`);
  if ((await output(context, ['chpasswd'], `${user}:${password}\n`)) === undefined) {
    // busybox comes without chpasswd, but with what makes the hash.
    const hash = await output(context, ['mkpasswd', '-m', 'sha512', '-P', '0'], `${password}\n`);
    if (hash === undefined)
      throw new Failure(
        'password',
        'cannot set the password: there is neither chpasswd nor mkpasswd in this container',
      );
    const before = await host.files.readText(shadow).catch(() => '');
    await host.files.replace(shadow, withPassword(before, user, hash.trim()), 0o600);
  }
  if (host.files.exists(kept.replace(/\/[^/]*$/, '')))
    await host.files.replace(kept, await host.files.readText(shadow), 0o600);
}

const wrongPassword = (password: string, again: string): string | undefined =>
  password === '' ? 'the password cannot be empty' : password === again ? undefined : 'the two are not the same';

const userOf = ({ host }: Context, given: string | undefined): string => given ?? host.environment.USER ?? 'root';

/** Asks twice, sets it, and says so. @returns whether it was set */
async function askPassword(context: Context, user: string): Promise<boolean> {
  const values = await context.fill({
    title: `Password of ${user}`,
    about: 'For logins to this container. What is typed is not shown.',
    fields: [
      { label: 'New password', isHidden: true },
      { label: 'Once more', isHidden: true },
    ],
    check: ([password = '', again = '']) => wrongPassword(password, again),
  });
  if (!values) return false;
  await setPassword(context, user, values[0]!);
  return true;
}

export const chpasswd: BoxCommand = {
  names: ['chpasswd'],
  summary: 'change the password for logins to this container',
  about:
    'On a terminal it is asked for twice and not shown; otherwise it is the first line of standard input. It is never an argument, which others could see.',
  arguments: [{ name: 'user', optional: true, help: 'default: root, or who you are' }],
  examples: [
    ['pantabox chpasswd', 'asks for the new password'],
    ['pantabox chpasswd root < password.txt', 'for scripts'],
  ],
  async run(context, { values: [given] }) {
    const user = userOf(context, given);
    if (context.ui) {
      context.beginScreens();
      const isSet = await askPassword(context, user);
      return isSet
        ? { text: `the password of ${user} is changed\n`, json: { user } }
        : { text: 'nothing changed\n', json: {} };
    }
    const pieces: Uint8Array[] = [];
    for await (const piece of context.host.stdin()) pieces.push(piece);
    const [password = ''] = context.host.transport.decode(joined(pieces)).split('\n');
    const wrong = wrongPassword(password, password);
    if (wrong !== undefined) throw new Failure('password', `cannot set the password: ${wrong}`);
    await setPassword(context, user, password);
    return { text: `the password of ${user} is changed\n`, json: { user } };
  },
  async screen(context) {
    const user = userOf(context, undefined);
    if (await askPassword(context, user)) await context.read('Done', `The password of ${user} is changed.`);
  },
};

function ending(
  name: string,
  op: CommandOperation,
  words: { summary: string; question: string; about: string; done: string },
): BoxCommand {
  const { summary, question, about, done } = words;
  return {
    names: [name],
    summary,
    arguments: [{ name: 'message', optional: true, rest: true, help: 'why, for the log of the device' }],
    examples: [
      [`pantabox ${name}`, 'asks first, on a terminal'],
      [`pantabox ${name} --yes "new board"`, 'without a question'],
    ],
    async run(context, { values }) {
      await context.confirm(question, about);
      await context.device.client.command(op, values.join(' '));
      return { text: `${done}\n`, json: { accepted: op } };
    },
    async screen(context) {
      if (!(await context.confirm(question, about))) return;
      await context.device.client.command(op);
      await context.read(done, 'This session ends with it.');
    },
  };
}

export const reboot = ending('reboot', 'REBOOT_DEVICE', {
  summary: 'restart the device',
  question: 'Restart the device?',
  about: 'All containers stop, group by group, and this session ends.',
  done: 'The device restarts.',
});

export const shutdown = ending('shutdown', 'POWEROFF_DEVICE', {
  summary: 'switch the device off',
  question: 'Switch the device off?',
  about: 'All containers stop. Only somebody at the device can switch it on again.',
  done: 'The device switches itself off.',
});
