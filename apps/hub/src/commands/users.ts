import { invite, logOut, store } from '../accounts/service.ts';
import { accountStore } from '../accounts/store.ts';
import { findAccount } from '../auth/login.ts';
import type { Hub } from '../hub.ts';

/** Commands of `pantahub user`; each answers with what is printed. */
export const userCommands = {
  async list(hub: Hub): Promise<string> {
    const rows = await accountStore.list(hub.db, '', true);
    const line = (cells: string[]) =>
      cells
        .map((cell, index) => cell.padEnd([24, 32, 8, 10][index] ?? 0))
        .join(' ')
        .trimEnd();
    const head = line(['NICK', 'EMAIL', 'ROLE', 'STATE', 'PRN']);
    const state = (row: (typeof rows)[number]) =>
      row.disabled !== 0 ? 'disabled' : row.challenge === null ? 'active' : 'unconfirmed';
    return [head, ...rows.map((row) => line([row.nick, row.email ?? '', row.role, state(row), row.prn]))].join('\n');
  },

  async add(
    hub: Hub,
    nick: string,
    { email, password, admin }: { email: string; password: string; admin?: boolean },
  ): Promise<string> {
    const row = await store(hub, { nick, email, password, role: admin === true ? 'admin' : 'user', confirmed: true });
    return `added ${row.nick} (${row.prn})`;
  },

  async password(hub: Hub, name: string, password: string): Promise<string> {
    const row = await existing(hub, name);
    const hash = await hub.passwords.hash(password);
    await hub.writer.write((tx) =>
      accountStore.update(tx, row.id, { password: hash, challenge: null, modified: hub.clock() }),
    );
    await logOut(hub, row.prn);
    return `the password of ${row.nick} is changed, all sessions are ended`;
  },

  async role(hub: Hub, name: string, role: string): Promise<string> {
    if (role !== 'admin' && role !== 'user')
      throw new Error(`cannot give the role '${role}': there are admin and user`);
    const row = await existing(hub, name);
    await hub.writer.write((tx) => accountStore.update(tx, row.id, { role, modified: hub.clock() }));
    await logOut(hub, row.prn);
    return `${row.nick} has the role ${role}`;
  },

  async disable(hub: Hub, name: string, disabled: boolean): Promise<string> {
    const row = await existing(hub, name);
    await hub.writer.write((tx) =>
      accountStore.update(tx, row.id, { disabled: disabled ? 1 : 0, modified: hub.clock() }),
    );
    await logOut(hub, row.prn);
    return `${row.nick} is ${disabled ? 'disabled' : 'enabled'}`;
  },

  async invite(hub: Hub, admin: boolean): Promise<string> {
    return `invitation: ${await invite(hub, admin ? 'admin' : 'user')}`;
  },
};

async function existing(hub: Hub, name: string) {
  const row = await findAccount(hub, name);
  if (row === undefined) throw new Error(`cannot find account '${name}': give a nick, an e-mail address or a prn`);
  return row;
}
