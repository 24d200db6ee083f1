/** A control socket as a target of the suite. */
import { ExchangeError, exchange } from '@pantavisor/ctrl-api/client';
import type { Answer, CallerRole, Request, Target } from './case.ts';

/**
 * @param become makes the next requests come from a caller of this role; absent: all come from this process, on the host
 */
export function socketTarget(
  socketPath: string,
  options: { allows: Target['allows']; become?: (caller: CallerRole) => void },
): Target {
  const { allows, become } = options;
  return {
    roles: become ? ['host', 'mgmt', 'nobody'] : ['host'],
    allows,
    send: async (caller, request) => {
      become?.(caller);
      return sendOver(socketPath, request);
    },
  };
}

/** One request from this process. Undefined: the connection was closed without an answer. */
export async function sendOver(
  socketPath: string,
  { method, target, headers = {}, body }: Request,
): Promise<Answer | undefined> {
  const { host = 'localhost', ...rest } = headers;
  try {
    const response = await exchange(socketPath, {
      method,
      target,
      headers: { Host: host, ...rest },
      ...(body === undefined ? {} : { body }),
    });
    return { status: response.status, headers: response.headers, body: await response.text() };
  } catch (error) {
    if (error instanceof ExchangeError && (error.code === 'no-response' || error.code === 'broken')) return undefined;
    throw error;
  }
}
