/** Accounts and ownership at a hub. */
import { type CommandSpec, Failure, requireWords } from '@pantavisor/cli';
import type { Pvr } from '../context.ts';

type Command = CommandSpec<Pvr>;

const login: Command = {
  names: ['login', 'lo'],
  summary: 'log in at a hub',
  about:
    'Asks for name and password when somebody is there to answer; else takes PVR_USERNAME and PVR_PASSWORD. The token goes to\nauth.json of the config directory, which only its owner can read. For machines: PVR_ACCESSTOKEN, or PVR_ACCESSTOKEN_FILE.',
  arguments: [{ name: 'url', optional: true, help: 'default: <hub>/auth/auth_status' }],
  examples: [
    ['pvr login', 'at the hub of --baseurl'],
    ['PVR_USERNAME=ci PVR_PASSWORD=… pvr -b https://hub.example.com login', 'without anybody there'],
  ],
  async run(pvr, input) {
    const { readEndpoint } = await import('../hub/accounts.ts');
    const { prettyText } = await import('../repository/values.ts');
    const url = readEndpoint(input.values[0], pvr.hubUrl);
    pvr.hub.forget(new URL(url).origin);
    const text = await pvr.hub.text('log in', url);
    return {
      text: `Response of GET ${url}\n${prettyText(text, '    ', true)}\nLoggedIn Successfully!\n`,
      json: { raw: text },
    };
  },
};

const logout: Command = {
  names: ['logout'],
  summary: 'forget the token of a hub',
  arguments: [{ name: 'url', optional: true, help: 'default: the hub of --baseurl' }],
  flags: [{ names: ['everywhere'], kind: 'boolean', help: 'end all sessions at the hub, also on other machines' }],
  async run(pvr, input) {
    const origin = new URL(input.values[0] ?? pvr.hubUrl).origin;
    if (input.on('everywhere')) await pvr.hub.text('end all sessions', `${origin}/auth/logout`, { method: 'POST' });
    pvr.hub.forget(origin);
    return { text: `Logged out from ${origin}\n`, json: { origin } };
  },
};

const whoami: Command = {
  names: ['whoami', 'wai'],
  summary: 'show as whom you are logged in, and where',
  async run(pvr) {
    const { whoAmI } = await import('../hub/accounts.ts');
    const known = await whoAmI(pvr);
    for (const { nick, prn, endpoint, problem } of known) pvr.note(problem ?? `${nick}(${prn}) at ${endpoint}`);
    if (known.length === 0) pvr.note('not logged in anywhere');
    return { text: '', json: known };
  },
};

const register: Command = {
  names: ['register', 'reg'],
  summary: 'make an account at a hub',
  arguments: [{ name: 'url', optional: true, help: 'default: the hub of --baseurl' }],
  flags: [
    { names: ['username', 'u'], kind: 'text', value: 'name', env: ['PVR_USERNAME'], help: 'nick of the account' },
    { names: ['password', 'p'], kind: 'text', value: 'word', env: ['PVR_PASSWORD'], help: 'default: asked for' },
    { names: ['email', 'e'], kind: 'text', value: 'address', help: 'where the confirmation goes' },
  ],
  async run(pvr, input) {
    const { register: makeAccount } = await import('../hub/session.ts');
    const answer = async (name: string, question: string, hidden = false): Promise<string> => {
      const given = input.text(name);
      if (given) return given;
      if (!pvr.terminal.interactive)
        throw new Failure('usage', `cannot register: --${name} is missing`, { exitCode: 3 });
      return pvr.terminal.ask(question, { hidden });
    };
    const email = await answer('email', 'Email: ');
    const nick = await answer('username', 'Username: ');
    const password = await answer('password', 'Password: ', true);
    const account = await makeAccount(pvr.http, `${new URL(input.values[0] ?? pvr.hubUrl).origin}/auth`, {
      email,
      nick,
      password,
    });
    const link = account['redirect-uri'];
    const next =
      typeof link === 'string'
        ? `Confirm your account: ${link}\n`
        : 'Your account is made; a mail may ask you to confirm it.\n';
    return { text: next, json: account };
  },
};

const claim: Command = {
  names: ['claim', 'cl'],
  summary: 'make a device yours',
  arguments: [{ name: 'device', help: 'address of the device at its hub, or its id' }],
  flags: [
    {
      names: ['challenge', 'c'],
      kind: 'text',
      value: 'words',
      help: 'the words that the device shows; default: asked for',
    },
  ],
  examples: [
    ['pvr claim -c plainly-dynamic-wombat 5d0a2b4e12734a0008363a9a', 'a device that pvr device scan has found'],
  ],
  async run(pvr, input) {
    const { claimDevice } = await import('../hub/accounts.ts');
    const [device] = requireWords(input, 'pvr claim', ['device'], 4);
    let challenge = input.text('challenge');
    if (challenge === undefined) {
      if (!pvr.terminal.interactive)
        throw new Failure('usage', 'cannot claim a device: --challenge is missing', { exitCode: 4 });
      challenge = await pvr.terminal.ask('Challenge: ');
    }
    const claimed = await claimDevice(pvr, device, challenge);
    return { text: '', json: claimed };
  },
};

export const hubCommands: readonly Command[] = [login, logout, whoami, register, claim];
