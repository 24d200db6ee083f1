import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryDevice, memoryRevision } from '../runtime/testing/memory-device.ts';

test('the graph of services: every requirement with every export of its name, in the order of the state', async () => {
  const device = await MemoryDevice.install((host) =>
    memoryRevision(
      host,
      [
        {
          name: 'client',
          run: {
            services: {
              required: ['raw', { name: 'api', role: 'viewer', interface: 'org.x', target: '/run/api.sock' }],
              optional: ['nobody-has-it'],
            },
          },
        },
        { name: 'server' },
        { name: 'spare' },
      ],
      {
        'server/services.json': {
          '#spec': 'service-manifest-xconnect@1',
          services: [
            { name: 'api', type: 'rest', socket: '/run/srv.sock' },
            { name: 'raw', type: 'unix', socket: '/run/raw.sock' },
          ],
        },
        'spare/services.json': [{ name: 'raw', type: 'unix' }],
      },
    ),
  );
  await device.ready();
  const { status, body } = await device.request('GET', '/xconnect-graph');
  assert.equal(status, 200);
  const pids = new Map([...device.host.machine.containers.values()].map(({ name, initPid }) => [name, initPid]));
  const ends = (provider: string) => ({
    consumer: 'client',
    consumer_pid: pids.get('client'),
    provider,
    provider_pid: pids.get(provider),
  });
  const plain = { name: 'raw', type: 'unix', role: 'any', interface: 'unix', target: null };
  const links = [
    { ...ends('server'), ...plain, socket: '/run/raw.sock' },
    { ...ends('spare'), ...plain, socket: null },
    {
      ...ends('server'),
      name: 'api',
      type: 'rest',
      role: 'viewer',
      interface: 'org.x',
      target: '/run/api.sock',
      socket: '/run/srv.sock',
    },
  ];
  assert.equal(body, JSON.stringify(links));
});
