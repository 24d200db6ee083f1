/** Requests of the endpoint to the device, whose refusals are handed on as they are. */
import {
  ExchangeError,
  type ExchangeRequest,
  type ExchangeResponse,
  errorText,
  exchangeOver,
} from '@pantavisor/ctrl-api/portable';
import type { ToolHost } from '../host/ports.ts';
import { findSocket } from '../pvcontrol/session.ts';
import { Refusal } from './http-server.ts';

const idle = 600_000;

/** Sends a request to the device. @throws Refusal with its status, and `Retry-After` when it is busy */
export async function askDevice(host: ToolHost, request: ExchangeRequest): Promise<ExchangeResponse> {
  let response: ExchangeResponse;
  try {
    response = await exchangeOver(host.transport, findSocket(undefined, host), { timeout: idle, ...request });
  } catch (error) {
    if (!(error instanceof ExchangeError)) throw error;
    throw new Refusal(502, `the device does not answer: ${error.code}`);
  }
  if (response.status === 200) return response;
  const text = errorText(await response.text());
  const wait = response.headers['retry-after'];
  throw new Refusal(
    response.status,
    text ?? `the device refused with status ${response.status}`,
    wait === undefined ? {} : { 'Retry-After': wait },
  );
}

/** The JSON of an answer of the device. */
export async function deviceJson<T>(host: ToolHost, target: string): Promise<T> {
  return JSON.parse(await (await askDevice(host, { method: 'GET', target })).text()) as T;
}

/** Puts a text. */
export async function tellDevice(
  host: ToolHost,
  method: 'PUT' | 'POST' | 'DELETE',
  target: string,
  body = '',
): Promise<void> {
  const headers = { 'Content-Type': 'application/json' };
  await (await askDevice(host, { method, target, body, headers })).text();
}

/** Name of a revision in a path. @throws Refusal when it is none */
export function revisionOf(text: string): string {
  if (/^(?:locals\/)?[A-Za-z0-9._-]{1,64}$/.test(text) && !/(^|\/)\.\.?$/.test(text)) return text;
  throw new Refusal(400, `${JSON.stringify(text)} is no name of a revision`);
}

/** Gives the device the command to try a revision. */
export async function runRevision(host: ToolHost, revision: string): Promise<void> {
  await tellDevice(host, 'POST', '/commands', JSON.stringify({ op: 'LOCAL_RUN', payload: revision }));
}

/** Name of the running revision. A device that does not say it knows it as `current` all the same. */
export async function runningRevision(host: ToolHost): Promise<string> {
  const { 'pantavisor.revision': revision } = await deviceJson<Record<string, unknown>>(host, '/device-meta');
  return typeof revision === 'string' && revision !== '' ? revision : 'current';
}
