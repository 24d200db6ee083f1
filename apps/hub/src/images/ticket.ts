import { createHash } from 'node:crypto';
import { EncryptJWT, jwtDecrypt } from 'jose';
import type { Hub } from '../hub.ts';

/** How long an address of an image is good, milliseconds. */
const life = 15 * 60 * 1000;

export interface Ticket {
  name: string;
  /** join token that lies in the image; empty = none */
  token: string;
}

/** Every hub that shares the database can open what another one made; nobody else can read the token in it. */
const keyOf = ({ keys }: Hub) => createHash('sha256').update('tickets of images\0').update(keys.objects).digest();

export function sealTicket(hub: Hub, { name, token }: Ticket): Promise<string> {
  const now = hub.clock();
  return new EncryptJWT({ name, token })
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
    .setExpirationTime(new Date(now + life))
    .encrypt(keyOf(hub));
}

/** @returns undefined when it is not of this hub, or too old */
export async function openTicket(hub: Hub, text: string): Promise<Ticket | undefined> {
  try {
    const { payload } = await jwtDecrypt<Ticket>(text, keyOf(hub), {
      keyManagementAlgorithms: ['dir'],
      contentEncryptionAlgorithms: ['A256GCM'],
      requiredClaims: ['exp'],
      currentDate: new Date(hub.clock()),
    });
    return { name: payload.name, token: payload.token };
  } catch {
    return undefined;
  }
}
