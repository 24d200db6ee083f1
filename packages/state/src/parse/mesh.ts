/** Whether the services that containers require are offered by others (xconnect.md §2). */
import { type Place, spotOf } from '../fields.ts';
import type { Container } from '../model.ts';
import { quote, type Report, type Spot } from '../report.ts';
import { hostedBus } from './services.ts';

/** A required service that no container exports. */
export interface MissingService {
  container: string;
  service: string;
}

/** Required services that nobody in a state exports, by name only: such a revision must not run (xconnect.md §2.3). */
export function missingServices(
  containers: readonly Pick<Container, 'name' | 'requires' | 'provides'>[],
): MissingService[] {
  const exported = new Set(
    containers.flatMap(({ provides }) => provides.flatMap((each) => (each.kind === 'socket' ? [each.name] : []))),
  );
  return containers.flatMap(({ name: container, requires }) =>
    requires.flatMap(({ name: service, required }) =>
      required && !exported.has(service) ? [{ container, service }] : [],
    ),
  );
}

/**
 * Warns of required services that nobody exports, and of types that disagree. No revision with a missing service can run
 * (xconnect.md §2.3), but whether the runtime hosts a bus of its own is not known here, so it is no error.
 */
export function checkServices(
  report: Report,
  containers: readonly Container[],
  spotOfServices: (container: Container) => Spot,
): void {
  const exported = new Map<string, string>();
  for (const { provides } of containers) {
    for (const service of provides) {
      // Of several exports of one name the first counts.
      if (service.kind === 'socket' && !exported.has(service.name)) exported.set(service.name, service.type);
    }
  }
  for (const container of containers) {
    for (const { name, type, required } of container.requires) {
      const offered = exported.get(name);
      if (offered === undefined && required && name !== hostedBus) {
        const message = `no container exports the service ${quote(name)} that ${quote(container.name)} requires`;
        const hint = 'add its provider, or make the requirement optional';
        report.add('service-required-missing', spotOfServices(container), message, hint);
      } else if (offered !== undefined && type && type !== offered) {
        const message = `${quote(container.name)} requires ${quote(name)} as ${quote(type)}, but it is exported as ${offered}`;
        report.add('service-type-differs', spotOfServices(container), message);
      }
    }
  }
}

/** Warns of manifests of services that belong to no container. */
export function checkServiceOwners(
  report: Report,
  manifests: readonly { directory: string; place: Place }[],
  owned: (directory: string) => boolean,
): void {
  for (const { directory, place } of manifests) {
    if (owned(directory)) continue;
    const message = `${directory}/services.json belongs to no container; its services are ignored`;
    report.add('services-ownerless', spotOf(place), message);
  }
}
