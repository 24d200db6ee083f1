import { Readable } from 'node:stream';
import { constants, createGzip } from 'node:zlib';
import { imageRoutes } from '@pantavisor/hub-api';
import { createJoinToken } from '../devices/join-tokens.ts';
import { Answer, type Served, serve } from '../http/call.ts';
import { Failure } from '../http/failure.ts';
import { wireTime } from '../names/times.ts';
import { findImage, listImages, readImage, TokenPlaces } from './folder.ts';
import { openTicket, sealTicket } from './ticket.ts';
import { shortestPlace } from './token-places.ts';

/** Images of disks are mostly empty; others are compressed already. */
const isPlain = (name: string): boolean => /\.(img|disk|raw|iso|bin)$/.test(name);

/** Handlers of `/images`. */
export function imageHandlers(): Served[] {
  const places = new TokenPlaces();
  const placesOf = async (image: Parameters<TokenPlaces['of']>[0]) =>
    isPlain(image.name) ? places.of(image) : ([] as const);
  return [
    serve(imageRoutes.list, async ({ hub }) => {
      const images = await listImages(hub.config.images);
      return Promise.all(
        images.map(async (image) => ({
          name: image.name,
          size: image.size,
          'time-modified': wireTime(image.modified),
          pairs: (await placesOf(image)).length > 0,
        })),
      );
    }),
    serve(imageRoutes.prepare, async ({ hub, caller, params, body }) => {
      const image = await findImage(hub.config.images, params.filename);
      if (image === undefined)
        throw new Failure('not-found', `cannot find the image '${params.filename}': this hub does not offer it`);
      if (body.pair === true && (await placesOf(image)).length === 0)
        throw new Failure(
          'bad-request',
          `cannot put a join token into ${image.name}: it has no place for one; build it with "hub": {"PH_FACTORY_AUTOTOK": "@…"} of at least ${shortestPlace} signs`,
        );
      const join =
        body.pair === true
          ? await createJoinToken(hub, caller.prn, undefined, body['default-user-meta'] ?? {})
          : undefined;
      const ticket = await sealTicket(hub, { name: image.name, token: join?.token ?? '' });
      return {
        address: `/images/${image.name}?ticket=${ticket}`,
        ...(join === undefined ? {} : { 'join-token': join.nick }),
      };
    }),
    serve(imageRoutes.get, async ({ hub, params, query, request }) => {
      const ticket = await openTicket(hub, query.ticket ?? '');
      const image = ticket?.name === params.filename ? await findImage(hub.config.images, params.filename) : undefined;
      if (ticket === undefined || image === undefined)
        throw new Failure(
          'not-found',
          'cannot find this image: the address is not complete, or too old; ask for another',
        );
      const bytes = Readable.from(readImage(image, await placesOf(image), ticket.token));
      const headers = {
        'content-type': 'application/octet-stream',
        'content-disposition': `attachment; filename=${image.name}`,
        'cache-control': 'no-store',
        vary: 'Accept-Encoding',
      };
      const zips = isPlain(image.name) && /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
      if (!zips) return new Answer(200, bytes, { ...headers, 'content-length': String(image.size) });
      const gzip = createGzip({ level: constants.Z_BEST_SPEED });
      // What breaks off must not look complete.
      bytes.on('error', (error: Error) => gzip.destroy(error));
      gzip.on('close', () => bytes.destroy());
      return new Answer(200, bytes.pipe(gzip), { ...headers, 'content-encoding': 'gzip' });
    }),
  ];
}
