/** Why tests that run containers cannot run here, for the `skip` option of node:test. */
import { findMissingFacilities } from '../../scripts/preflight.ts';

/**
 * Tries what containers need (scripts/preflight.ts), unless `CONTAINERS_WORK` in the environment says that somebody just did.
 * @returns false when all is there, else the reason in one line
 */
export async function skipWithoutContainers(): Promise<false | string> {
  if (process.env.CONTAINERS_WORK === 'yes') return false;
  const missing = await findMissingFacilities();
  if (missing.length === 0) return false;
  return `this machine cannot run containers: ${missing.map(({ facility, reason }) => `${facility}: ${reason}`).join('; ')}`;
}
