import { timingSafeEqual } from 'node:crypto';
import type { Account } from '@pantavisor/hub-api';
import { isDuplicate } from '../db/open.ts';
import { Failure } from '../http/failure.ts';
import type { Hub } from '../hub.ts';
import { isHexId, prnOf } from '../names/ids.ts';
import { randomText } from '../names/secrets.ts';
import { reservedNicks } from './built-in.ts';
import { type AccountWish, demandCaptcha, openWish, sealWish } from './captcha.ts';
import { type AccountRow, accountStore, wireAccount } from './store.ts';

export interface SignUp extends AccountWish {
  invitation?: string | undefined;
  /** what the captcha service gave the browser */
  captcha?: string | undefined;
  /** a wish sealed earlier; it counts instead of the bare members */
  'encrypted-account'?: string | undefined;
}

const shortestPassword = 8;
const refuse = (why: string) => new Failure('precondition-failed', `cannot make the account: ${why}`);

/**
 * Makes an account (hub-api §4.3). With an invitation it can be used at once, otherwise its e-mail address must be confirmed,
 * and where the hub wants a captcha it must come with one.
 * @param www where the link in the mail leads
 * @param address whoever signs up
 * @returns the account; or, while the captcha is missing, the sealed wish and the page where to go on with it
 */
export async function signUp(
  hub: Hub,
  wanted: SignUp,
  { www, address }: { www: string; address: string },
): Promise<Account | Awaited<ReturnType<typeof sealWish>>> {
  const { invitation, captcha, 'encrypted-account': sealed } = wanted;
  const wish = demandComplete(sealed ? await openWish(hub, sealed) : wanted);
  const { email, nick, password } = wish;
  if (invitation === undefined && hub.config['sign-up'] !== 'open')
    throw refuse('this hub takes only people with an invitation; ask its operator');
  if (invitation === undefined && hub.config.captcha) {
    if (!captcha) return sealWish(hub, wish, www);
    await demandCaptcha(hub, captcha, address);
  }
  const role = invitation === undefined ? 'user' : await redeem(hub, invitation);
  const row = await store(hub, { email, nick, password, role, confirmed: invitation !== undefined });
  if (row.challenge !== null)
    await hub.mailer.send({
      to: email,
      subject: 'Confirm your e-mail address',
      text: `Hello ${nick},\n\nopen this address to activate your account:\n\n${www}/verify?id=${row.id}&challenge=${row.challenge}\n`,
    });
  return wireAccount(row);
}

/** What an account needs. @throws Failure `bad-request` with what is missing or not acceptable */
export function demandComplete({
  email = '',
  nick = '',
  password = '',
}: AccountWish): Required<Record<keyof AccountWish, string>> {
  if (!/^[^@\s]+@[^@\s]+$/.test(email)) throw refuse('an e-mail address is needed');
  if (password === '') throw refuse('a password is needed');
  if (nick === '') throw refuse('a nick is needed');
  const length = Buffer.byteLength(nick);
  if (length < 3 || length > 23) throw refuse('the nick must have 3 to 23 bytes');
  if (!/^[\w.+-]+$/.test(nick) || nick.startsWith('__')) throw refuse('a nick has only letters, digits and . _ + -');
  if (reservedNicks.has(nick)) throw refuse('Email or Nick already in use');
  if (password.length < shortestPassword)
    throw refuse(`the password must have at least ${shortestPassword} characters`);
  return { email, nick, password };
}

/** Makes an account without any question: for invitations, the command line and sign-up. */
export async function store(
  hub: Hub,
  {
    email,
    nick,
    password,
    role,
    confirmed,
  }: { email: string; nick: string; password: string; role: string; confirmed: boolean },
): Promise<AccountRow> {
  const now = hub.clock();
  const id = hub.ids.next(now);
  const row: AccountRow = {
    id,
    prn: prnOf.account(id),
    type: 'USER',
    role,
    nick,
    email: email.toLowerCase(),
    owner: '',
    password: await hub.passwords.hash(password),
    challenge: confirmed ? null : randomText(15),
    redirect_uris: null,
    disabled: 0,
    tokens_from: 0,
    created: now,
    modified: now,
  };
  try {
    await hub.writer.write((tx) => accountStore.insert(tx, row));
  } catch (error) {
    if (isDuplicate(error)) throw refuse('Email or Nick already in use');
    throw error;
  }
  return row;
}

async function redeem(hub: Hub, code: string): Promise<string> {
  const used = await hub.writer.write((tx) =>
    tx.deleteFrom('invitations').where('code', '=', code).returning(['role', 'expires']).executeTakeFirst(),
  );
  if (used === undefined || used.expires < hub.clock())
    throw refuse('the invitation was used, has expired or never existed');
  return used.role;
}

/** Confirms an e-mail address with what was mailed; works once. */
export async function verify(hub: Hub, id: string, challenge: string): Promise<Account> {
  if (!isHexId(id)) throw new Failure('bad-request', 'cannot confirm: the id must have 24 hex digits', { status: 500 });
  const row = await accountStore.find(hub.db, 'id', id);
  if (row === undefined) throw new Failure('not-permitted', 'cannot confirm: there is no such account');
  if (row.challenge === null || !sameText(row.challenge, challenge))
    throw new Failure('precondition-failed', 'cannot confirm: the challenge is wrong or was used already');
  const change = { challenge: null, modified: hub.clock() };
  await hub.writer.write((tx) => accountStore.update(tx, id, change));
  await hub.mailer.send({
    to: row.email ?? '',
    subject: 'Welcome',
    text: `Hello ${row.nick},\n\nyour account is active.\n`,
  });
  return wireAccount({ ...row, ...change });
}

/** Mails a link to choose a new password. The answer does not tell whether the account exists. */
export async function recover(hub: Hub, email: string, www: string): Promise<true> {
  if (email === '') throw new Failure('precondition-failed', 'cannot recover the account: an e-mail address is needed');
  const row = await accountStore.find(hub.db, 'email', email.toLowerCase());
  if (row === undefined || row.disabled !== 0) return true;
  const minutes = hub.config['recover-minutes'];
  const token = await hub.tokens.seal('recover', { email: row.email, modified: row.modified }, minutes * 60);
  await hub.mailer.send({
    to: email,
    subject: 'Choose a new password',
    text: `Hello ${row.nick},\n\nopen this address within ${minutes} minutes:\n\n${www}/reset_password#token=${token}\n`,
  });
  return true;
}

/** @throws Failure `bad-request` for a password that is too short */
export function demandLength(password: string): void {
  if (password.length < shortestPassword)
    throw new Failure('bad-request', `cannot set the password: it must have at least ${shortestPassword} characters`);
}

/** Sets a new password with the mailed token, activates the account and ends its sessions; a token works once. */
export async function resetPassword(hub: Hub, token: string, password: string): Promise<true> {
  if (token === '' || password === '')
    throw new Failure('bad-request', 'cannot set the password: token and password are needed');
  demandLength(password);
  const claims = await hub.tokens.unseal('recover', token);
  if (claims === undefined)
    throw new Failure('bad-request', 'cannot set the password: the link is broken or has expired', { status: 500 });
  const row = await accountStore.find(hub.db, 'email', String(claims.email));
  if (row === undefined) throw new Failure('not-found', 'cannot set the password: the account is gone');
  const hash = await hub.passwords.hash(password);
  const now = hub.clock();
  const changed = await hub.writer.write((tx) =>
    tx
      .updateTable('accounts')
      .set({
        password: hash,
        challenge: null,
        modified: Math.max(now, row.modified + 1),
        tokens_from: Math.floor(now / 1000),
      })
      .where('id', '=', row.id)
      .where('modified', '=', Number(claims.modified))
      .executeTakeFirst(),
  );
  if (changed.numUpdatedRows !== 1n)
    throw new Failure('bad-request', 'cannot set the password: the link was used already or the account changed since');
  hub.bus.tell({ kind: 'revoked', prn: row.prn });
  return true;
}

/** Ends all sessions of an account or device: tokens made until now stop working. */
export async function logOut(hub: Hub, prn: string): Promise<void> {
  const from = { tokens_from: Math.floor(hub.clock() / 1000) + 1 };
  await hub.writer.write(async (tx) => {
    await tx.updateTable('accounts').set(from).where('prn', '=', prn).execute();
    await tx.updateTable('devices').set(from).where('prn', '=', prn).execute();
  });
  hub.bus.tell({ kind: 'revoked', prn });
}

/** Makes an invitation and returns its code; valid for a week. */
export async function invite(hub: Hub, role: 'admin' | 'user'): Promise<string> {
  const code = randomText(24);
  const expires = hub.clock() + 7 * 24 * 3600 * 1000;
  await hub.writer.write((tx) => tx.insertInto('invitations').values({ code, role, expires }).execute());
  return code;
}

function sameText(a: string, b: string): boolean {
  const x = Buffer.from(a);
  const y = Buffer.from(b);
  return x.length === y.length && timingSafeEqual(x, y);
}
