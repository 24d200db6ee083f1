import type { Hub } from '../hub.ts';
import { findBuiltIn } from './built-in.ts';
import { accountStore } from './store.ts';

/** Prn of the account with a nick, built-in ones included. */
export async function accountPrn(hub: Hub, nick: string): Promise<string | undefined> {
  const builtIn = findBuiltIn(hub.config, nick);
  return builtIn?.prn ?? (await accountStore.find(hub.db, 'nick', nick))?.prn;
}

/** Nick of the account with a prn; empty when there is none. */
export async function accountNick(hub: Hub, prn: string): Promise<string> {
  return findBuiltIn(hub.config, prn)?.nick ?? (await accountStore.nickOf(hub.db, prn));
}
