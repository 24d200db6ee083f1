import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { type ErrorJson, endpoints } from '@pantavisor/ctrl-api';
import fc from 'fast-check';
import { createMemoryHost } from '../host/memory/host.ts';
import { HostError, type HttpRequest, type HttpResponse } from '../host/ports.ts';
import type { Caller } from '../runtime/facade.ts';
import { formatBackoff } from './containers.ts';
import { createControlHandler } from './server.ts';
import { createScriptedRooms, type ScriptedRooms } from './testing/scripted-rooms.ts';

const options = { timeout: 60_000 };
const encoder = new TextEncoder();
let rooms: ScriptedRooms;
before(async () => {
  rooms = await createScriptedRooms(createMemoryHost(), '/storage');
});

interface Asked {
  method?: string;
  target?: string;
  headers?: Record<string, string>;
  body?: string;
  peer?: HttpRequest['peer'];
}

function request({ method = 'GET', target = '/', headers = {}, body = '', peer }: Asked): HttpRequest {
  const bytes = encoder.encode(body);
  return {
    method,
    target,
    version: '1.1',
    headers,
    peer: peer ?? { pid: 1, uid: 0, gid: 0 },
    contentLength: bytes.length,
    readBody: async (limit) => {
      if (bytes.length > limit) throw new HostError('EFBIG', 'read the body');
      return bytes;
    },
    saveBody: async (path) => {
      throw new HostError('ENOSPC', 'write', path);
    },
  };
}

async function ask(asked: Asked): Promise<{ status: number; value: unknown; response: HttpResponse }> {
  const response = await createControlHandler(rooms)(request(asked));
  assert.ok(response);
  const value: unknown =
    typeof response.body === 'string' && response.body !== '' ? JSON.parse(response.body) : undefined;
  return { status: response.status, value, response };
}

test('containers have the members of the original, in its order', options, async () => {
  const { response } = await ask({ target: '/containers' });
  const fresh = await createScriptedRooms(createMemoryHost(), '/storage');
  const text = (await createControlHandler(fresh)(request({ target: '/containers' })))?.body;
  assert.equal(response.status, 200);
  assert.equal(
    text,
    '[{"name":"board","group":"root","status":"STARTED","status_goal":"STARTED","restart_policy":"system","roles":["mgmt"]},' +
      '{"name":"app","group":"app","status":"STARTED","status_goal":"STARTED","restart_policy":"container","roles":["mgmt"],' +
      '"auto_recovery":{"policy":"on-failure","max_retries":5,"current_retries":1,"stable_timeout":30,"is_stable":"true","backoff_policy":"90min"},' +
      '"user_stopped":"false"},' +
      '{"name":"waiter","group":"app","status":"STARTED","status_goal":"READY","restart_policy":"container","roles":[],"user_stopped":"false"}]',
  );
});

test('the list of containers is as new as the runtime says that it has to be', options, async () => {
  const fresh = await createScriptedRooms(createMemoryHost(), '/storage');
  const handler = createControlHandler(fresh);
  let asked = 0;
  const containers = fresh.runtime.containers.bind(fresh.runtime);
  fresh.runtime.containers = () => {
    asked += 1;
    return containers();
  };
  let state = {};
  fresh.runtime.unchanged = () => state;
  const list = async () => (await handler(request({ target: '/containers' })))?.body;
  const before = await list();
  assert.equal(await list(), before);
  assert.equal(asked, 1);
  fresh.runtime.reports[0]!.status = 'STOPPED';
  state = {};
  const after = await list();
  assert.equal(typeof after, 'string');
  assert.notEqual(after, before);
  assert.equal(asked, 2);
});

test('groups have the members of the original; details only when asked for', options, async () => {
  const { value } = await ask({ target: '/groups' });
  assert.deepEqual(value, [
    { name: 'root', status_goal: 'STARTED', restart_policy: 'system', status: 'STARTED' },
    {
      name: 'app',
      status_goal: 'STARTED',
      restart_policy: 'container',
      status: 'STARTED',
      auto_recovery: { max_retries: 5, stable_timeout: 30, backoff_policy: '90min' },
    },
  ]);
  const detailed = await ask({ target: '/containers?detail=1' });
  const [board, app] = detailed.value as Record<string, unknown>[];
  assert.deepEqual([board?.pid, board?.started_at, board?.memory], [100, 1_767_225_600, null]);
  assert.equal(app?.memory, 1_048_576);
});

test('backoff policies are written in the largest exact unit', () => {
  const after = (seconds: number) => formatBackoff({ kind: 'after', seconds });
  assert.deepEqual([after(7200), after(5400), after(61), after(0)], ['2h', '90min', '61s', '0s']);
  assert.deepEqual([formatBackoff({ kind: 'reboot' }), formatBackoff({ kind: 'never' })], ['reboot', 'never']);
});

test('before a revision is loaded, what is about it is refused', options, async () => {
  rooms.runtime.isLoaded = false;
  try {
    for (const [method, target] of [
      ['GET', '/containers'],
      ['GET', '/groups'],
      ['PUT', '/containers/app'],
      ['POST', '/signal'],
    ] as const) {
      const { status, value } = await ask({ method, target, body: '{"action":"stop","type":"ready"}' });
      assert.equal(status, 500);
      assert.deepEqual(value, { Error: 'State not loaded yet' });
    }
    assert.equal((await ask({ target: '/config2' })).status, 200);
  } finally {
    rooms.runtime.isLoaded = true;
  }
});

test('a caller that cannot be identified gets nothing', options, async () => {
  rooms.runtime.caller = { kind: 'unknown' };
  try {
    for (const { method, path } of Object.values(endpoints)) {
      const { status, value } = await ask({ method, target: path.replace(/\{\w+\}/g, 'x') });
      assert.equal(status, 500, path);
      assert.deepEqual(value, { Error: 'Internal Error' });
    }
  } finally {
    rooms.runtime.caller = { kind: 'engine' };
  }
});

test('a connection is identified once, and anew when the revision changes', options, async () => {
  let asked = 0;
  let revision = '0';
  const counting = {
    ...rooms,
    runtime: Object.assign(Object.create(rooms.runtime), {
      callerOf: async (): Promise<Caller> => {
        asked += 1;
        return { kind: 'engine' };
      },
      revision: () => revision,
    }),
  };
  const handle = createControlHandler(counting);
  const peer = { pid: 7, uid: 0, gid: 0 };
  await handle(request({ target: '/groups', peer }));
  await handle(request({ target: '/groups', peer }));
  assert.equal(asked, 1);
  revision = 'locals/next';
  await handle(request({ target: '/groups', peer }));
  await handle(request({ target: '/groups', peer: { ...peer } }));
  assert.equal(asked, 3);
});

test('secrets are for root on the host only', options, async () => {
  rooms.config.apply([{ name: 'PH_CREDS_SECRET', value: 'hunter2', source: 'test' }], 'ph conf file');
  const text = async (target: string, uid: number, caller: Caller) => {
    rooms.runtime.caller = caller;
    const { response } = await ask({ target, peer: { pid: 2, uid, gid: 0 } });
    return String(response.body);
  };
  try {
    for (const target of ['/config', '/config2']) {
      assert.match(await text(target, 0, { kind: 'engine' }), /hunter2/);
      assert.doesNotMatch(await text(target, 1000, { kind: 'engine' }), /hunter2/);
      assert.doesNotMatch(await text(target, 0, { kind: 'container', name: 'app', mgmt: true }), /hunter2/);
    }
  } finally {
    rooms.runtime.caller = { kind: 'engine' };
  }
});

test('commands are submitted whole; every verdict has its status, text and time to wait', options, async () => {
  const post = (body: unknown) => ask({ method: 'POST', target: '/commands', body: JSON.stringify(body) });
  rooms.commands.submitted.length = 0;
  assert.equal((await post({ op: 'LOCAL_RUN', payload: 'locals/x' })).status, 200);
  assert.equal((await post({ op: 'UPDATE_METADATA', payload: { key: 'a "quoted" value' } })).status, 200);
  assert.equal((await post({ op: 'DEFER_REBOOT', payload: 30 })).status, 200);
  assert.deepEqual(rooms.commands.submitted, [
    { operation: 'LOCAL_RUN', payload: 'locals/x' },
    { operation: 'UPDATE_METADATA', payload: JSON.stringify({ key: 'a "quoted" value' }) },
    { operation: 'DEFER_REBOOT', payload: '30' },
  ]);
  const verdicts = [
    ['command-pending', 503, '120', 'A command is already in progress. Try again'],
    ['update-ongoing', 503, '600', 'Cannot do this operation while update is ongoing'],
    ['claimed', 409, undefined, 'Cannot do this operation if device is already claimed'],
  ] as const;
  for (const [code, status, retryAfter, text] of verdicts) {
    rooms.commands.answer = { ok: false, code };
    const answer = await post({ op: 'REBOOT_DEVICE', payload: '' });
    assert.equal(answer.status, status);
    assert.equal(answer.response.headers?.['Retry-After'], retryAfter);
    assert.deepEqual(answer.value, { Error: text });
  }
  rooms.commands.answer = { ok: false, code: 'already' };
  const already = await post({ op: 'UNCLAIM', payload: '' });
  assert.deepEqual(already.response, { status: 204 });
  rooms.commands.answer = { ok: true };
  rooms.commands.reclaimed = undefined;
  assert.equal((await ask({ method: 'POST', target: '/storage/gc' })).status, 500);
  rooms.commands.reclaimed = 5;
  assert.equal((await ask({ method: 'POST', target: '/storage/gc' })).response.body, '{"reclaimed": 5}');
});

test('a full storage refuses an upload with 507', options, async () => {
  const { status, value } = await ask({ method: 'PUT', target: `/objects/${'a'.repeat(64)}`, body: 'x' });
  assert.equal(status, 507);
  assert.deepEqual(value, { Error: 'Not enough disk space available' });
});

test(
  'the state of a revision in use cannot be replaced, and bytes that are no UTF-8 are no state',
  options,
  async () => {
    const put = (name: string, body: string) => ask({ method: 'PUT', target: `/steps/locals/${name}`, body });
    assert.equal((await put('used', '{"#spec":"pantavisor-service-system@1"}')).status, 200);
    const steps = rooms.steps;
    assert.ok(steps);
    const busy = { ...rooms, steps: { ...steps, busyRevisions: () => ['locals/used'] } };
    const handle = createControlHandler(busy);
    const again = (body: string) => handle(request({ method: 'PUT', target: '/steps/locals/used', body }));
    assert.equal((await again('{"#spec":"pantavisor-service-system@1"}'))?.status, 200);
    assert.equal((await again('{"#spec":"pantavisor-service-system@1"}\n'))?.status, 409);
    assert.equal((await put('broken', '{"#spec":"pantavisor-service-system@1","\uFFFD":1}')).status, 422);
  },
);

test('a handler that fails is answered with 500 and reported', options, async () => {
  const broken = { ...rooms, config: { list: () => assert.fail('broken'), legacyList: () => ({}) }, failures: [] };
  const reported: string[] = [];
  const handle = createControlHandler({ ...broken, onFailure: (line) => reported.push(line) });
  const response = await handle(request({ target: '/config2' }));
  assert.equal(response?.status, 500);
  assert.deepEqual(reported, ['GET /config2']);
});

test('an endpoint whose room is absent is unknown', options, async () => {
  const { steps: _, ...without } = rooms;
  const response = await createControlHandler(without)(request({ target: '/steps' }));
  assert.equal(response?.status, 400);
  assert.equal(response.body, '{"Error":"unknown endpoint: /steps"}');
});

const method = fc.oneof(fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', 'HEAD', 'PATCH'), fc.string());
const segment = fc.oneof(
  fc.constantFrom('containers', 'app', 'steps', 'locals', 'objects', 'a'.repeat(64), 'progress', '{}', '..', '%2e', ''),
  fc.string(),
);
const target = fc.array(segment, { maxLength: 6 }).map((parts) => `/${parts.join('/')}`);
const body = fc.oneof(fc.json(), fc.string(), fc.constantFrom('{"action":"stop"}', '{"type":"ready"}'));
const caller = fc.constantFrom<Caller>(
  { kind: 'engine' },
  { kind: 'container', name: 'waiter', mgmt: false },
  { kind: 'container', name: 'app', mgmt: true },
  { kind: 'unknown' },
);

test('whatever is asked, there is one answer of the contract, and never a failure of ours', options, async () => {
  rooms.failures.length = 0;
  await fc.assert(
    fc.asyncProperty(fc.record({ method, target, body }), caller, async (asked, who) => {
      rooms.runtime.caller = who;
      const response = await createControlHandler(rooms)(request(asked));
      assert.ok(response);
      if (response.status < 400) return;
      assert.ok([400, 403, 404, 409, 422, 500, 501, 503, 507].includes(response.status));
      const parsed: ErrorJson = JSON.parse(String(response.body));
      assert.equal(typeof parsed.Error, 'string');
    }),
    { numRuns: 500 },
  );
  rooms.runtime.caller = { kind: 'engine' };
  assert.deepEqual(rooms.failures, []);
});

test('a container without rights changes nothing but its own readiness, whatever it sends', options, async () => {
  rooms.runtime.caller = { kind: 'container', name: 'waiter', mgmt: false };
  try {
    await fc.assert(
      fc.asyncProperty(fc.record({ method, target, body }), async (asked) => {
        const before = rooms.runtime.containers().filter(({ name }) => name !== 'waiter');
        const submitted = rooms.commands.submitted.length;
        const response = await createControlHandler(rooms)(request(asked));
        if (asked.target !== '/signal') assert.ok((response?.status ?? 0) >= 400);
        assert.deepEqual(
          rooms.runtime.containers().filter(({ name }) => name !== 'waiter'),
          before,
        );
        assert.equal(rooms.commands.submitted.length, submitted);
      }),
      { numRuns: 300 },
    );
  } finally {
    rooms.runtime.caller = { kind: 'engine' };
  }
});
