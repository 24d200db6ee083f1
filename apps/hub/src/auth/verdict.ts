import type { ErrorCode, Route } from '@pantavisor/hub-api';
import { Failure } from '../http/failure.ts';
import { hasScope, type Principal } from './principal.ts';

/** What somebody wants with a thing. */
export type Need =
  /** look at it: its owner, its device, and everybody when it is public */
  | 'read'
  /** look at what is never public: its owner and its device */
  | 'read-private'
  /** decide about it: its owner, and nobody else */
  | 'own'
  /** report as it: the device itself */
  | 'be'
  /** its owner or the device itself */
  | 'own-or-be'
  /** add to it on behalf of its owner: the owner and every device of theirs (hub-api §6.5) */
  | 'add';

export interface Resource {
  /** how the thing is named in messages */
  name: string;
  owner: string;
  /** prn of the device that it is or belongs to */
  device?: string;
  public?: boolean;
}

export type Verdict =
  | { allowed: true; as: 'owner' | 'device' | 'stranger' }
  | { allowed: false; code: ErrorCode; reason: string };

const refuse = (code: ErrorCode, reason: string): Verdict => ({ allowed: false, code, reason });

/** Every question "may this caller do that with this thing" of the hub is answered here (hub-api §6.2, hub-data §5). */
export function judge(principal: Principal, need: Need, resource: Resource): Verdict {
  const isDevice = principal.type === 'DEVICE';
  const isOwner = !isDevice && !principal.anonymous && resource.owner !== '' && principal.prn === resource.owner;
  const isItself = isDevice && resource.device !== undefined && principal.prn === resource.device;
  if (need === 'be')
    return isItself
      ? { allowed: true, as: 'device' }
      : refuse('not-permitted', `only ${resource.name} itself may do this`);
  if (isOwner) return { allowed: true, as: 'owner' };
  if (isItself && need !== 'own') return { allowed: true, as: 'device' };
  if (need === 'read' && resource.public === true) return { allowed: true, as: 'stranger' };
  if (need === 'add' && isDevice && resource.owner !== '' && principal.owner === resource.owner)
    return { allowed: true, as: 'device' };
  return refuse('not-permitted', `${resource.name} belongs to somebody else`);
}

/** As {@link judge}, but throws the refusal. @param status on the wire, where old clients depend on another than 403 */
export function demand(
  principal: Principal,
  need: Need,
  resource: Resource,
  status?: number,
): 'owner' | 'device' | 'stranger' {
  const verdict = judge(principal, need, resource);
  if (verdict.allowed) return verdict.as;
  throw new Failure(verdict.code, `cannot do this: ${verdict.reason}`, status === undefined ? {} : { status });
}

/** Whether a route may be called by this principal at all: its kind, then its scopes. */
export function admit(route: Route, principal: Principal): Verdict {
  if (route.callers !== undefined && !route.callers.includes(principal.type))
    return refuse('wrong-caller-type', `${route.id} is not for accounts of type ${principal.type}`);
  if (route.personal === true && principal.anonymous)
    return refuse('insufficient-scope', `${route.id} shows only what belongs to somebody: log in`);
  if (route.scopes !== undefined && !hasScope(principal, route.scopes))
    return refuse(
      'insufficient-scope',
      `the token lacks a scope for ${route.id}: ${['all', ...route.scopes].join(' or ')}`,
    );
  return { allowed: true, as: 'stranger' };
}
