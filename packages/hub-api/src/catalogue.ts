import type { Route } from './route.ts';
import { authRoutes, statusRoutes } from './routes/auth.ts';
import { fleetRoutes, historyRoutes, sessionRoutes } from './routes/console.ts';
import { deviceRoutes } from './routes/devices.ts';
import { imageRoutes } from './routes/images.ts';
import { changeRoutes, logRoutes } from './routes/logs.ts';
import { blobRoutes, objectRoutes } from './routes/objects.ts';
import { operatorRoutes } from './routes/operator.ts';
import { appRoutes, planRoutes, profileRoutes, tokenRoutes } from './routes/people.ts';
import { cloneRoutes, trailRoutes } from './routes/trails.ts';

/** Every route of the hub. A route that is not here is not served; one that is here and has no handler keeps the hub from starting. */
export const catalogue: readonly Route[] = [
  authRoutes,
  statusRoutes,
  deviceRoutes,
  trailRoutes,
  cloneRoutes,
  objectRoutes,
  blobRoutes,
  logRoutes,
  changeRoutes,
  appRoutes,
  profileRoutes,
  tokenRoutes,
  planRoutes,
  sessionRoutes,
  fleetRoutes,
  historyRoutes,
  imageRoutes,
  operatorRoutes,
].flatMap((group) => Object.values(group) as Route[]);
