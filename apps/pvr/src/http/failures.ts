/** Turns answers that are no success into failures. */
import { Failure } from '@pantavisor/cli';
import type { HttpAnswer } from './client.ts';

/**
 * The failure of an answer, with what the server said.
 * @param what ends the sentence "cannot …"
 */
export async function refusal(what: string, answer: HttpAnswer, exitCode = 3): Promise<Failure> {
  const text = await answer.text().catch(() => '');
  const said = messageIn(text);
  const retry = answer.headers['retry-after'];
  if (answer.status === 503 && retry !== undefined)
    return new Failure('not-ready', `Endpoint reported "Not ready"; retry in: ${retry} seconds`, {
      exitCode,
      details: { retryAfter: Number(retry) },
    });
  // Hubs answer a full quota with several statuses; what they say tells (hub-api §1).
  const isQuota = /"reason":\s*"quota-exceeded"|quota exceeded/i.test(text);
  const code = isQuota ? 'quota-exceeded' : (codes[answer.status] ?? 'refused');
  const hint = isQuota ? 'the plan of the account allows no more' : hints[answer.status];
  return new Failure(
    code,
    `cannot ${what}: ${answer.url} answered ${answer.status}${said === '' ? '' : ` (${said})`}`,
    {
      exitCode,
      details: { status: answer.status, body: text.slice(0, 2000) },
      ...(hint === undefined ? {} : { hint }),
    },
  );
}

const codes: Readonly<Record<number, string>> = {
  401: 'unauthorized',
  402: 'quota-exceeded',
  403: 'forbidden',
  404: 'not-found',
  413: 'too-large',
  429: 'too-many-requests',
  507: 'no-space',
};

const hints: Readonly<Record<number, string>> = {
  401: "'pvr login' gets a new token; for machines see PVR_ACCESSTOKEN and PVR_USERNAME",
  403: "'pvr whoami' shows as whom you are logged in",
  404: 'is the address right, and are you allowed to see it?',
};

function messageIn(text: string): string {
  try {
    const body = JSON.parse(text) as Record<string, unknown>;
    const said = body.msg ?? body.Error ?? body.error ?? body.message;
    return typeof said === 'string' ? said : '';
  } catch {
    return text.trim().slice(0, 200);
  }
}
