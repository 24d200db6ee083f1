import type { ObjectWithAccess } from '@pantavisor/hub-api';
import { jwtVerify, SignJWT } from 'jose';
import type { Hub } from '../hub.ts';
import { type ObjectRow, wireObject } from './store.ts';

/** Life of a signed address in seconds (hub-api §7.5); garbage is kept longer than that. */
const life = 86_400;
/** Audience of an upload that is only checked, not kept: proof that the uploader has the content of a linked object. */
export const onlyProof = 'SHAONLY';

export interface SignedAccess {
  method: 'GET' | 'PUT';
  /** storage id of the blob, or {@link onlyProof} */
  blob: string;
  /** whose record it is: pays for the bandwidth */
  owner: string;
  size: number;
  sha: string;
  name: string;
}

async function sign(hub: Hub, access: SignedAccess, issuer: string): Promise<string> {
  const now = Math.floor(hub.clock() / 1000);
  return new SignJWT({
    DispositionName: access.name,
    Size: access.size,
    Method: access.method,
    Sha: access.sha,
  })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(issuer)
    .setSubject(access.owner)
    .setAudience(access.blob)
    .setIssuedAt(now)
    .setExpirationTime(now + life)
    .sign(hub.keys.objects);
}

/** What a signed address allows; undefined when it is broken or has expired. */
export async function openSigned(hub: Hub, token: string): Promise<SignedAccess | undefined> {
  try {
    const { payload } = await jwtVerify(token, hub.keys.objects, {
      algorithms: ['HS256'],
      currentDate: new Date(hub.clock()),
    });
    return {
      method: payload.Method === 'PUT' ? 'PUT' : 'GET',
      blob: String(payload.aud),
      owner: String(payload.sub),
      size: Number(payload.Size),
      sha: String(payload.Sha),
      name: String(payload.DispositionName),
    };
  } catch {
    return undefined;
  }
}

/**
 * The record with addresses to fetch and store its content. The addresses have no query and nothing to escape, because
 * devices cut them (hub-api §7.5).
 * @param access.upload whether the caller may store the content
 * @param access.mount mount that hands it out, for the issuer
 */
export async function withAccess(
  hub: Hub,
  row: ObjectRow,
  access: { base: string; upload: boolean; mount: 'objects' | 'trails'; name?: string },
): Promise<ObjectWithAccess> {
  const { base, upload, mount, name = row.name } = access;
  const common = { owner: row.owner, size: row.size, sha: row.sha, name };
  const issuer = `${base}/${mount}`;
  const address = async (more: Pick<SignedAccess, 'method' | 'blob'>) =>
    `${base}/local-s3/${await sign(hub, { ...common, ...more }, issuer)}`;
  return {
    ...wireObject(row, name),
    'signed-puturl': upload
      ? await address({ method: 'PUT', blob: row.linked === null ? row.storage_id : onlyProof })
      : '',
    'signed-geturl': await address({ method: 'GET', blob: row.linked ?? row.storage_id }),
    now: String(Math.floor(hub.clock() / 1000)),
    'expire-time': '15',
  };
}
