import { createPublicKey } from 'node:crypto';
import { EncryptJWT, jwtDecrypt } from 'jose';
import { Failure } from '../http/failure.ts';
import type { Hub } from '../hub.ts';

/** What one wants the account to be; travels sealed between the client and the page that asks for the captcha. */
export interface AccountWish {
  email?: string | undefined;
  nick?: string | undefined;
  password?: string | undefined;
}

/** How long somebody may take to solve the captcha. */
const life = 24 * 3600 * 1000;
const encryption = { alg: 'RSA-OAEP', enc: 'A128GCM' } as const;
const patience = 10_000;

/**
 * Seals a sign-up, so that a client without a browser can hand it to the page where a person solves the captcha
 * (hub-api §4.3). Nothing is stored.
 * @param www address of the pages for people
 */
export async function sealWish(
  { config, keys, clock }: Hub,
  { email, nick, password }: AccountWish,
  www: string,
): Promise<{ token: string; 'redirect-uri': string }> {
  if (keys.sealing === undefined) throw new Failure('internal', 'cannot seal the account: there is no key for it');
  const now = new Date(clock());
  const token = await new EncryptJWT({ email, nick, password })
    .setProtectedHeader({ ...encryption, typ: 'JWT' })
    .setIssuedAt(now)
    .setExpirationTime(new Date(now.getTime() + life))
    .encrypt(createPublicKey(keys.sealing));
  return { token, 'redirect-uri': `${www}${config['signup-path']}#account=${token}` };
}

/** Opens what {@link sealWish} made. @throws Failure 500 (as old clients know it) when it is broken or too old */
export async function openWish({ keys, clock }: Hub, token: string): Promise<AccountWish> {
  const broken = new Failure(
    'bad-request',
    'cannot make the account: encrypted-account is not of this hub, or too old',
    {
      status: 500,
    },
  );
  if (keys.sealing === undefined) throw broken;
  try {
    const { payload } = await jwtDecrypt<AccountWish>(token, keys.sealing, {
      keyManagementAlgorithms: [encryption.alg],
      contentEncryptionAlgorithms: [encryption.enc],
      requiredClaims: ['exp'],
      currentDate: new Date(clock()),
    });
    const { email, nick, password } = payload;
    return { email, nick, password };
  } catch {
    throw broken;
  }
}

/**
 * Asks the captcha service whether a person solved it: a form with `secret`, `response` and `remoteip`, answered with
 * `{"success": true}`, as reCAPTCHA and those that copy it do.
 * @param address whoever signs up
 * @throws Failure precondition-failed; also when the service cannot be asked, because nobody may come in that way
 */
export async function demandCaptcha({ config, log }: Hub, response: string, address: string): Promise<void> {
  const refuse = (why: string) => new Failure('precondition-failed', `cannot make the account: ${why}`);
  let verdict: unknown;
  try {
    const reply = await fetch(config['captcha-url'], {
      method: 'POST',
      body: new URLSearchParams({ secret: config['captcha-secret'], response, remoteip: address }),
      signal: AbortSignal.timeout(patience),
      redirect: 'error',
    });
    verdict = await reply.json();
  } catch (error) {
    log.error({ err: error }, 'cannot ask the captcha service');
    throw refuse('the captcha cannot be checked now; try again later');
  }
  if ((verdict as { success?: unknown } | null)?.success !== true) throw refuse('the captcha was not solved');
}
