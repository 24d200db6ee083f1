/** Why tests that run containers cannot run here, for the `skip` option of node:test. */
import { findMissingFacilities } from '../../scripts/preflight.ts';

/**
 * Tries what containers need (scripts/preflight.ts).
 * @returns false when all is there, else the reason in one line
 */
export async function skipWithoutContainers(): Promise<false | string> {
  const missing = await findMissingFacilities();
  if (missing.length === 0) return false;
  return `this machine cannot run containers: ${missing.map(({ facility, reason }) => `${facility}: ${reason}`).join('; ')}`;
}
