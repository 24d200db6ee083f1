import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { Config } from '../config/options.ts';
import type { Db } from '../db/schema.ts';

/** Secrets that all replicas of a hub share. */
export interface Keys {
  /** signs tokens, RS256 */
  signing: KeyObject;
  verifying: KeyObject;
  /** opens sealed sign-ups, RSA-OAEP; only where sign-up wants a captcha */
  sealing?: KeyObject;
  /** signs object addresses, HS256 */
  objects: Uint8Array;
}

/**
 * A device copies "Bearer <token>" into a buffer of 1024 bytes (hub-api §3.1): larger keys make tokens that lock every
 * device out.
 */
const modulusLength = 2048;

/** Reads the keys from the settings or the database; draws them at the first start. */
export async function loadKeys(db: Db, config: Config): Promise<Keys> {
  const signing = await rsaKey(db, config, 'jwt-key');
  const bits = signing.asymmetricKeyDetails?.modulusLength ?? 0;
  if (signing.asymmetricKeyType !== 'rsa' || bits > modulusLength)
    throw new Error(
      `cannot use jwt-key: it is ${signing.asymmetricKeyType} with ${bits} bits; devices take tokens of at most 1016 characters, which needs RSA with ${modulusLength} bits`,
    );
  const secret =
    config['object-secret'] === ''
      ? await keep(db, 'object-secret', async () => randomBytes(32).toString('base64url'))
      : config['object-secret'];
  const keys = { signing, verifying: createPublicKey(signing), objects: new TextEncoder().encode(secret) };
  return config.captcha ? { ...keys, sealing: await rsaKey(db, config, 'jwe-key') } : keys;
}

async function rsaKey(db: Db, config: Config, name: 'jwt-key' | 'jwe-key'): Promise<KeyObject> {
  if (config[name] !== '') return createPrivateKey(Buffer.from(config[name], 'base64').toString());
  const pem = await keep(db, name, async () => {
    const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength });
    return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  });
  return createPrivateKey(pem);
}

/** Returns a stored setting, or stores a new one; of two hubs that start at once one wins and both use its value. */
async function keep(db: Db, name: string, make: () => Promise<string>): Promise<string> {
  const find = () => db.selectFrom('settings').select('value').where('name', '=', name).executeTakeFirst();
  const known = await find();
  if (known !== undefined) return known.value;
  const value = await make();
  await db
    .insertInto('settings')
    .values({ name, value })
    .onConflict((c) => c.column('name').doNothing())
    .execute();
  return (await find())?.value ?? value;
}
