import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { invite } from './accounts/service.ts';
import { appHandlers } from './apps/routes.ts';
import { authHandlers } from './auth/routes.ts';
import { changeHandlers } from './changes/routes.ts';
import type { Config } from './config/options.ts';
import { deviceHandlers } from './devices/routes.ts';
import { exportHandlers } from './exports/routes.ts';
import { fleetHandlers } from './fleet/routes.ts';
import { Followers } from './followers/worker.ts';
import { historyHandlers } from './history/routes.ts';
import { buildApp, serverOptions, tuned } from './http/app.ts';
import { Metrics } from './http/metrics.ts';
import { Shedder } from './http/shed.ts';
import type { Hub } from './hub.ts';
import { imageHandlers } from './images/routes.ts';
import { logHandlers } from './logs/routes.ts';
import { objectHandlers } from './objects/routes.ts';
import { openHub } from './open-hub.ts';
import { collectGarbage } from './operator/garbage.ts';
import { operatorHandlers } from './operator/routes.ts';
import { planHandlers } from './plans/routes.ts';
import { profileHandlers } from './profiles/routes.ts';
import { sessionHandlers } from './sessions/routes.ts';
import { loadCertificate } from './tls.ts';
import { tokenHandlers } from './tokens/routes.ts';
import { trailHandlers } from './trails/routes.ts';

export interface RunningHub {
  hub: Hub;
  /** main address: http, or https when there is no plain port */
  url: string;
  /** https address, when there is one */
  tlsUrl?: string;
  cloneUrl?: string;
  /** code of the first administrator's invitation, when there is no account yet */
  invitation?: string;
  /** Refuses new requests, lets those in work finish, writes what is in memory and closes. */
  stop(): Promise<void>;
}

const flushEvery = 5_000;

/**
 * Opens a hub and serves it.
 * @param options.drain how long a stopping hub still answers new requests, with 503; milliseconds
 */
export async function startHub(
  config: Config,
  { drain = 1_000, ...options }: Parameters<typeof openHub>[1] & { drain?: number } = {},
): Promise<RunningHub> {
  const { hub, close } = await openHub(config, options);
  const followers = new Followers(hub);
  const shedder = new Shedder(config['max-active']);
  const metrics = new Metrics({
    pantahub_active_requests: { help: 'requests in work', read: () => shedder.active },
    pantahub_refused_requests: { help: 'requests refused because of overload', read: () => shedder.refused },
    pantahub_event_listeners: { help: 'subscribers of events', read: () => hub.bus.listeners },
  });
  const served = [
    ...authHandlers,
    ...deviceHandlers,
    ...trailHandlers,
    ...objectHandlers,
    ...logHandlers,
    ...changeHandlers,
    ...appHandlers,
    ...profileHandlers,
    ...tokenHandlers,
    ...planHandlers,
    ...sessionHandlers,
    ...fleetHandlers(),
    ...historyHandlers,
    ...exportHandlers,
    ...imageHandlers(),
    ...operatorHandlers(metrics),
  ];
  const app = buildApp({ hub, served, metrics, shedder });
  await app.ready();
  const listener: RequestListener = shedder.guard((request, response) => app.routing(request, response));
  const servers: Server[] = [];
  const listen = (server: Server, port: number) =>
    new Promise<number>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, config.host, () => {
        servers.push(server);
        resolve((server.address() as AddressInfo).port);
      });
    });
  const host = config.host === '0.0.0.0' || config.host === '::' ? 'localhost' : config.host;
  const address = (scheme: string, port: number) => `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const plain = async (port: number) =>
    address('http', await listen(tuned(createServer(serverOptions, listener)), port));
  try {
    const url = config.port < 0 ? undefined : await plain(config.port);
    const tlsUrl =
      config['tls-port'] < 0
        ? undefined
        : address(
            'https',
            await listen(
              tuned(
                createTlsServer(
                  {
                    ...serverOptions,
                    handshakeTimeout: 15_000,
                    ...(await loadCertificate(config)),
                    ...askForCertificates(hub),
                  },
                  listener,
                ),
              ),
              config['tls-port'],
            ),
          );
    const cloneUrl = config['clone-port'] < 0 ? undefined : await plain(config['clone-port']);
    const timers = startChores(hub);
    await followers.start();
    const invitation = await firstInvitation(hub);
    const stop = once(async () => {
      hub.ready = false;
      shedder.stopping = true;
      for (const timer of timers) clearInterval(timer);
      await followers.close();
      hub.bus.tellHere({ kind: 'stopping' });
      // For a moment everybody is told 503 and to close: a connection that is cut makes devices roll back (hub-client §1.4).
      await setTimeout(drain);
      await Promise.all(servers.map((server) => closeServer(server, config['stop-seconds'] * 1000)));
      await app.close();
      await close();
    });
    return {
      hub,
      url: url ?? tlsUrl ?? '',
      ...(tlsUrl === undefined ? {} : { tlsUrl }),
      ...(cloneUrl === undefined ? {} : { cloneUrl }),
      ...(invitation === undefined ? {} : { invitation }),
      stop,
    };
  } catch (error) {
    for (const server of servers) server.close();
    await followers.close();
    await close();
    throw error;
  }
}

/** Devices may present certificates; whoever has none, or a foreign one, is served like everybody, and told at the login. */
function askForCertificates({ deviceAuthority }: Hub): {
  requestCert?: true;
  rejectUnauthorized?: false;
  ca?: string[];
} {
  if (deviceAuthority === undefined) return {};
  return { requestCert: true, rejectUnauthorized: false, ca: deviceAuthority.trusted.map(String) };
}

/** Stops taking connections, closes idle ones, and waits for the requests in work; after `patience` cuts what is left. */
function closeServer(server: Server, patience: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = globalThis.setTimeout(() => server.closeAllConnections(), patience);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function startChores(hub: Hub): NodeJS.Timeout[] {
  const every = (ms: number, what: string, work: () => Promise<unknown>) =>
    setInterval(() => {
      work().catch((error: unknown) => hub.log.error({ err: error }, `cannot ${what}`));
    }, ms);
  const timers = [
    every(flushEvery, 'write when devices were heard', () => hub.presence.flush()),
    every(flushEvery, 'write the bandwidth used', () => hub.bandwidth.flush()),
  ];
  if (hub.config['gc-interval'] > 0)
    timers.push(
      every(hub.config['gc-interval'], 'collect garbage', async () =>
        hub.log.info(await collectGarbage(hub), 'garbage collected'),
      ),
    );
  for (const timer of timers) timer.unref();
  return timers;
}

async function firstInvitation(hub: Hub): Promise<string | undefined> {
  const someone = await hub.db
    .selectFrom('accounts')
    .select('id')
    .where('type', '=', 'USER')
    .limit(1)
    .executeTakeFirst();
  return someone === undefined ? invite(hub, 'admin') : undefined;
}

function once(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= work();
    return running;
  };
}
