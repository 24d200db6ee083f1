import { fleetRoutes } from '@pantavisor/hub-api';
import { type Served, serve } from '../http/call.ts';
import { FleetCounts, listFleet } from './service.ts';

/** Handlers of `/fleet`. */
export function fleetHandlers(): Served[] {
  const counts = new FleetCounts();
  return [
    serve(fleetRoutes.devices, ({ hub, caller, query }) => listFleet(hub, caller, query)),
    serve(fleetRoutes.facets, ({ hub, caller, query }) => counts.facets(hub, caller, query)),
  ];
}
