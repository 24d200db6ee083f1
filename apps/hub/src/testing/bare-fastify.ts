/** The reference of the hub's benchmarks: the framework alone, answering `{}`. */
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';

const app = Fastify();
app.get('/*', (_request, reply) => {
  reply.send({});
});
await app.listen({ port: 0, host: '127.0.0.1' });
console.log(`ready url=http://127.0.0.1:${(app.server.address() as AddressInfo).port}`);
process.once('SIGTERM', () => process.exit(0));
