/** `pantahub user`: accounts of people. */
import { type CommandSpec, Failure, type Flag, type Input, requireWords, type Terminal } from '@pantavisor/cli';
import type { Pantahub } from './program.ts';

const account = { name: 'name', help: 'nick, e-mail address or prn' } as const;
const adminFlag = (help: string): Flag => ({ names: ['admin'], kind: 'boolean', help });
const accounts = () => import('./accounts.ts');

/** Given, or asked for: what stands on a command line is seen by everybody on the machine. */
async function passwordFor(name: string, given: string | undefined, terminal: Terminal): Promise<string> {
  return given ?? (await terminal.ask(`Password for ${name}: `, { hidden: true }));
}

function required(input: Input, title: string, flag: string): string {
  const value = input.text(flag);
  if (value !== undefined && value !== '') return value;
  throw new Failure('usage', `cannot run '${title}': --${flag} is missing`, { hint: `'${title} --help' shows how` });
}

const commands: readonly CommandSpec<Pantahub>[] = [
  {
    names: ['list', 'ls'],
    summary: 'all accounts',
    examples: [['pantahub --data ./hub user list', 'nick, e-mail address, role, state and prn']],
    run: async ({ withHub }) => withHub((await accounts()).listAccounts),
  },
  {
    names: ['add'],
    summary: 'make an account that can be used at once',
    arguments: [{ name: 'nick', help: 'name of the account' }],
    flags: [
      { names: ['email'], kind: 'text', value: 'address', help: 'e-mail address' },
      {
        names: ['password'],
        kind: 'text',
        value: 'text',
        help: 'at least 8 characters; without it, it is asked for, or read as one line from standard input',
      },
      adminFlag('make it an administrator'),
    ],
    examples: [
      ['pantahub --data ./hub user add alice --email alice@example.org --admin', 'asks for the password'],
      ['pantahub --data ./hub user add bob --email bob@example.org <password-file', 'without asking'],
    ],
    async run({ withHub, terminal }, input) {
      const [nick] = requireWords(input, 'pantahub user add', ['nick']);
      const email = required(input, 'pantahub user add', 'email');
      const password = await passwordFor(nick, input.text('password'), terminal);
      const { addAccount } = await accounts();
      return withHub((hub) => addAccount(hub, nick, { email, password, admin: input.on('admin') }));
    },
  },
  {
    names: ['password'],
    summary: 'set a password and end all sessions',
    arguments: [account, { name: 'password', optional: true, help: 'asked for when it is not given' }],
    examples: [['pantahub --data ./hub user password alice', 'asks for it']],
    async run({ withHub, terminal }, input) {
      const [name] = requireWords(input, 'pantahub user password', ['name']);
      const password = await passwordFor(name, input.values[1], terminal);
      const { setPassword } = await accounts();
      return withHub((hub) => setPassword(hub, name, password));
    },
  },
  {
    names: ['role'],
    summary: 'make somebody admin, or user again',
    arguments: [account, { name: 'role', help: 'admin or user', choices: ['admin', 'user'] }],
    examples: [['pantahub --data ./hub user role alice admin', 'ends all sessions, too']],
    async run({ withHub }, input) {
      const [name, role] = requireWords(input, 'pantahub user role', ['name', 'role']);
      const { setRole } = await accounts();
      return withHub((hub) => setRole(hub, name, role));
    },
  },
  ...[true, false].map((disabled): CommandSpec<Pantahub> => {
    const verb = disabled ? 'disable' : 'enable';
    return {
      names: [verb],
      summary: disabled ? 'close an account' : 'open it again',
      arguments: [account],
      examples: [
        [`pantahub --data ./hub user ${verb} alice`, disabled ? 'ends all sessions' : 'with the old password'],
      ],
      async run({ withHub }, input) {
        const [name] = requireWords(input, `pantahub user ${verb}`, ['name']);
        const { setDisabled } = await accounts();
        return withHub((hub) => setDisabled(hub, name, disabled));
      },
    };
  }),
  {
    names: ['invite'],
    summary: 'make an invitation for one person; valid for a week',
    flags: [adminFlag('to become an administrator')],
    examples: [['pantahub --data ./hub user invite', 'prints the code for the sign-up']],
    async run({ withHub }, input) {
      const { invitePerson } = await accounts();
      return withHub((hub) => invitePerson(hub, input.on('admin')));
    },
  },
];

export const userCommand: CommandSpec<Pantahub> = { names: ['user'], summary: 'accounts of people', commands };
