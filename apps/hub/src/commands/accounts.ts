/** What `pantahub user` does, for an opened hub. */
import { formatTable, type Result } from '@pantavisor/cli';
import { demandComplete, demandLength, invite, logOut, store } from '../accounts/service.ts';
import { accountStore } from '../accounts/store.ts';
import { findAccount } from '../auth/login.ts';
import type { Hub } from '../hub.ts';

type Row = Awaited<ReturnType<typeof accountStore.list>>[number];

const stateOf = ({ disabled, challenge }: Row): string =>
  disabled !== 0 ? 'disabled' : challenge === null ? 'active' : 'unconfirmed';

/** Every account. */
export async function listAccounts(hub: Hub): Promise<Result> {
  const rows = await accountStore.list(hub.db, '', true);
  const accounts = rows.map((row) => ({
    nick: row.nick,
    email: row.email ?? '',
    role: row.role,
    state: stateOf(row),
    prn: row.prn,
  }));
  const cells = accounts.map((account) => Object.values(account).map((text) => ({ text })));
  const text = formatTable(
    ['NICK', 'EMAIL', 'ROLE', 'STATE', 'PRN'],
    cells,
    (_, word) => word,
    Number.POSITIVE_INFINITY,
  );
  return { text, json: accounts };
}

/** Makes an account that can be used at once. */
export async function addAccount(
  hub: Hub,
  nick: string,
  { email, password, admin }: { email: string; password: string; admin: boolean },
): Promise<Result> {
  const wish = demandComplete({ nick, email, password });
  const { prn } = await store(hub, { ...wish, role: admin ? 'admin' : 'user', confirmed: true });
  return { text: `added ${nick} (${prn})\n`, json: { nick, prn } };
}

/** Sets a password and ends all sessions. */
export async function setPassword(hub: Hub, name: string, password: string): Promise<Result> {
  demandLength(password);
  const hash = await hub.passwords.hash(password);
  const { nick, prn } = await change(hub, name, { password: hash, challenge: null });
  return { text: `the password of ${nick} is changed, all sessions are ended\n`, json: { nick, prn } };
}

/** Makes somebody administrator, or user again; ends all sessions. */
export async function setRole(hub: Hub, name: string, role: string): Promise<Result> {
  if (role !== 'admin' && role !== 'user') throw new Error(`cannot give the role '${role}': there are admin and user`);
  const { nick, prn } = await change(hub, name, { role });
  return { text: `${nick} has the role ${role}\n`, json: { nick, prn, role } };
}

/** Closes an account, or opens it again; ends all sessions. */
export async function setDisabled(hub: Hub, name: string, disabled: boolean): Promise<Result> {
  const { nick, prn } = await change(hub, name, { disabled: disabled ? 1 : 0 });
  return { text: `${nick} is ${disabled ? 'disabled' : 'enabled'}\n`, json: { nick, prn, disabled } };
}

/** Makes an invitation for one person, valid for a week. */
export async function invitePerson(hub: Hub, admin: boolean): Promise<Result> {
  const invitation = await invite(hub, admin ? 'admin' : 'user');
  return { text: `invitation: ${invitation}\n`, json: { invitation } };
}

async function change(
  hub: Hub,
  name: string,
  fields: Parameters<typeof accountStore.update>[2],
): Promise<{ nick: string; prn: string }> {
  const row = await findAccount(hub, name);
  if (row === undefined) throw new Error(`cannot find account '${name}': give a nick, an e-mail address or a prn`);
  await hub.writer.write((tx) => accountStore.update(tx, row.id, { ...fields, modified: hub.clock() }));
  await logOut(hub, row.prn);
  return row;
}
