import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryHost } from '../host/memory/host.ts';
import type { ContainerReport } from '../runtime/facade.ts';
import { ContainerNotes } from './notes.ts';
import { type ContainerRecord, ContainerRecords } from './records.ts';

const record: ContainerRecord = {
  name: 'web',
  revision: '0',
  pid: 42,
  startedAt: 1000,
  ready: false,
  userStopped: false,
};

async function open() {
  const host = createMemoryHost();
  const records = new ContainerRecords(host.files, '/run/records');
  await records.open();
  return { host, records };
}

test('notes are read back; halves and strangers are passed over', async () => {
  const { host, records } = await open();
  await records.put({ ...record, address: '10.0.5.2' });
  await records.put({ ...record, name: 'db' });
  await records.remove('db');
  await records.remove('never');
  await host.files.write('/run/records/half.json', '{"name":"half"');
  await host.files.write('/run/records/other.json', '{"name":1}');
  await host.files.write('/run/records/web.json.new', 'x');
  assert.deepEqual(await records.all(), [{ ...record, address: '10.0.5.2' }]);
});

test('changes of one note keep their order, however they are awaited', async () => {
  const { records } = await open();
  void records.put(record);
  void records.remove('web');
  void records.put({ ...record, ready: true });
  await records.settled();
  assert.deepEqual(await records.all(), [{ ...record, ready: true }]);
});

test('notes follow the status, and a wish is noted before it is done', async () => {
  const { host, records } = await open();
  const running = { name: 'web', initPid: 42, monitorPid: 41 };
  const lifecycle = {
    runningOf: (name: string) => (name === 'web' ? { running, address: undefined, revision: '0' } : undefined),
  };
  const notes = new ContainerNotes(records, lifecycle, host.clock, () => '0');
  const report = (more: Partial<ContainerReport>) =>
    ({ name: 'web', status: 'STARTED', startedAt: 1000, userStopped: false, ...more }) as ContainerReport;
  await notes.status(report({}));
  assert.deepEqual(await records.all(), [record]);
  await notes.status(report({ status: 'READY' }));
  assert.equal((await records.all())[0]?.ready, true);
  await notes.wish(report({ status: 'STOPPING' }), true);
  assert.equal((await records.all())[0]?.userStopped, true);
  assert.equal((await records.all())[0]?.pid, 42);
  await notes.wish(report({ status: 'STOPPING' }), false);
  assert.equal((await records.all())[0]?.userStopped, false);
  await notes.status(report({ status: 'STOPPED' }));
  assert.deepEqual(await records.all(), []);
  await notes.status(report({ name: 'gone', status: 'STOPPED', userStopped: true }));
  assert.deepEqual(
    (await records.all()).map(({ name, pid, userStopped }) => [name, pid, userStopped]),
    [['gone', 0, true]],
  );
  await notes.wish(report({ name: 'gone', status: 'INSTALLED' }), false);
  assert.deepEqual(await records.all(), []);
});
