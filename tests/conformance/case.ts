/** What a case of the conformance suite is, how facts of a device get into it, and how an answer is judged. */
import type { ContainerStatusName } from '@pantavisor/ctrl-api';
import type { Shape } from '@pantavisor/ctrl-api/shapes';

/** Who asks: a process of the host, one in a container with the role `mgmt`, one in a container without. */
export type CallerRole = 'host' | 'mgmt' | 'nobody';

/** Names that the cases use as `{fact}` in targets and bodies; absent where the device has nothing of the kind. */
export interface Facts {
  /** A container that may be stopped. */
  container?: string;
  /** A container whose restart policy is `system`. */
  systemContainer?: string;
  /** A stored object. */
  object?: string;
  /** The running revision. */
  revision?: string;
}

export interface Request {
  method: string;
  target: string;
  headers?: Record<string, string>;
  body?: string;
}

export interface Answer {
  status: number;
  /** Lower-case names. */
  headers: Record<string, string>;
  body: string;
}

export interface Expectation {
  /** Default 200. */
  status?: number;
  /** Exact text, a pattern, or the shape of the JSON value. */
  body?: string | RegExp | Shape;
  /** Default `application/json`. */
  type?: string;
  /** Further headers that have to be there. */
  headers?: Record<string, string>;
}

export interface Case {
  name: string;
  /** Default `host`. */
  caller?: CallerRole;
  request: Request;
  /** `closed`: the connection ends without a byte. */
  expect: Expectation | 'closed';
  /** Before the case, the container `{container}` has to have one of these statuses; it is waited for. */
  once?: readonly ContainerStatusName[];
  /** `harmless` leaves the device as it was; `changes` does not; `disrupts` may end it. Default `harmless`. */
  effect?: 'harmless' | 'changes' | 'disrupts';
}

/** Something that the suite can be pointed at. */
export interface Target {
  /** Roles that requests can be sent in. */
  roles: readonly CallerRole[];
  /** How much cases may do to it. */
  allows: 'harmless' | 'changes' | 'disrupts';
  /** Undefined: closed without an answer. */
  send(caller: CallerRole, request: Request): Promise<Answer | undefined>;
}

const effects = ['harmless', 'changes', 'disrupts'] as const;

/** Why a case cannot be run on a target, or undefined. */
export function whyNot(testCase: Case, target: Target, facts: Facts): string | undefined {
  const { caller = 'host', effect = 'harmless', request } = testCase;
  if (!target.roles.includes(caller)) return `nobody can be ${caller} here`;
  if (effects.indexOf(effect) > effects.indexOf(target.allows)) return `the case ${effect} the device`;
  const missing = placeholders(`${request.target}${request.body ?? ''}`).find((name) => !(name in facts));
  return missing === undefined ? undefined : `the device has no ${missing}`;
}

const factPattern = /\{(container|systemContainer|object|revision)\}/g;
const placeholders = (text: string) => [...text.matchAll(factPattern)].map((match) => match[1] ?? '');

/** A request with the facts of the device in place of `{fact}`. */
export function fill(request: Request, facts: Facts): Request {
  const replace = (text: string) => text.replace(factPattern, (_, name: keyof Facts) => facts[name] ?? '');
  return {
    ...request,
    target: replace(request.target),
    ...(request.body === undefined ? {} : { body: replace(request.body) }),
  };
}

/** Every way in which an answer is not the expected one; empty when it is. */
export function judge(expect: Expectation | 'closed', answer: Answer | undefined): string[] {
  if (expect === 'closed') return answer === undefined ? [] : [`expected no answer, got ${answer.status}`];
  if (!answer) return ['expected an answer, the connection was closed'];
  const problems: string[] = [];
  const { status = 200, type = 'application/json', headers = {}, body } = expect;
  if (answer.status !== status)
    problems.push(`status ${answer.status} instead of ${status}: ${answer.body.slice(0, 200)}`);
  for (const [name, value] of Object.entries({ 'content-type': type, ...headers })) {
    if (answer.headers[name] !== value) problems.push(`header ${name}: ${answer.headers[name]} instead of ${value}`);
  }
  if (body !== undefined) problems.push(...judgeBody(body, answer.body));
  return problems;
}

function judgeBody(expected: string | RegExp | Shape, body: string): string[] {
  if (typeof expected === 'string')
    return body === expected ? [] : [`body ${body.slice(0, 200)} instead of ${expected}`];
  if (expected instanceof RegExp)
    return expected.test(body) ? [] : [`body ${body.slice(0, 200)} is not like ${expected.source}`];
  try {
    return expected(JSON.parse(body), '');
  } catch {
    return [`body is not JSON: ${body.slice(0, 200)}`];
  }
}

/** The body of a refusal. */
export const refusal = (text: string) => JSON.stringify({ Error: text });
