/** The reference of the hub's benchmarks: the framework alone, answering `{}`. */
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import type Fastify from 'fastify';

// Fastify belongs to the hub's workspace.
const require = createRequire(new URL('../../apps/hub/src/main.ts', import.meta.url));
const app = (require('fastify') as typeof Fastify)();
app.get('/*', (_request, reply) => {
  reply.send({});
});
await app.listen({ port: 0, host: '127.0.0.1' });
console.log(`ready url=http://127.0.0.1:${(app.server.address() as AddressInfo).port}`);
process.once('SIGTERM', () => process.exit(0));
