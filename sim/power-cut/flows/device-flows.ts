/** Flows of whole devices: clients of the control socket, the engine, the storage and the boot environment together. */
import { createMemoryHost, type MemoryHost } from '../../../apps/device/src/host/memory/host.ts';
import { replayed } from '../../../apps/device/src/host/memory/random.ts';
import type { Files } from '../../../apps/device/src/host/ports.ts';
import { runProgram } from '../../../apps/device/src/program.ts';
import { readProgress } from '../../../apps/device/src/storage/progress.ts';
import { factoryArguments, layout, putFactory } from '../../device/launcher.ts';
import { makeRevision, type Revision } from '../../device/revisions.ts';
import { type Expectation, judge, learnFromDisk, watchProgress } from '../device/judgement.ts';
import { type Client, deviceEnvironment, PoweredDevice, type Session, type Starter } from '../device/powered-device.ts';
import { type Flow, quick, type Tamper, untouched } from '../flow.ts';
import { disturbed, must, Witness } from '../witness.ts';

/** What a client does, knowing the world. */
type Script = (client: Client, witness: Witness) => Promise<void>;

interface DeviceFlow extends Expectation {
  name: string;
  about: string;
  starter?: Starter;
  /** Before the flow, undisturbed. */
  before?: Script;
  script: Script;
  /** How the revision of the flow ends when the power stays. */
  ends?: { revision: string; status: string };
  /** Revisions and objects that are gone when the power stays. */
  collects?: readonly Revision[];
}

const base = makeRevision('0');

async function accepted(
  client: Client,
  witness: Witness,
  ...[method, target, body]: Parameters<Client['send']>
): Promise<boolean> {
  const answer = await client.send(method, target, body);
  const mayFail = witness.knows(disturbed) && (answer?.status ?? 0) >= 500;
  must(
    answer === undefined || answer.status === 200 || mayFail,
    `${method} ${target} was answered ${answer?.status} ${answer?.body}`,
  );
  return answer?.status === 200;
}

/** Uploads the objects of a revision, each in two pieces, then the state, then the message. */
async function upload(client: Client, witness: Witness, revision: Revision): Promise<void> {
  for (const [id, content] of revision.objects) {
    const half = Math.floor(content.length / 2);
    const pieces = [content.slice(0, half), content.slice(half)];
    if (await accepted(client, witness, 'PUT', `/objects/${id}`, pieces)) witness.learn(`object ${id}`);
  }
  await putStep(client, witness, revision);
}

async function putStep(client: Client, witness: Witness, { name, state }: Revision): Promise<void> {
  // While it is being replaced, both the earlier and the new one are right.
  witness.forget(`step ${name}`);
  // A message belongs to the state that it was written for.
  if (witness.value(`stored ${name}`) !== state) witness.forget(`message ${name}`);
  witness.learn(`stored ${name}`, state);
  if (await accepted(client, witness, 'PUT', `/steps/${name}`, state)) witness.learn(`step ${name}`, state);
}

async function putMessage(client: Client, witness: Witness, name: string, message: string): Promise<void> {
  witness.forget(`message ${name}`);
  if (await accepted(client, witness, 'PUT', `/steps/${name}/commitmsg`, message))
    witness.learn(`message ${name}`, message);
}

async function command(client: Client, witness: Witness, op: string, payload: string): Promise<void> {
  if (payload !== '') witness.learn(`asked ${payload}`);
  await accepted(client, witness, 'POST', '/commands', JSON.stringify({ op, payload }));
}

/** A device that runs its factory revision and has never been updated. */
async function installedDevice(): Promise<MemoryHost> {
  const host = createMemoryHost(quick);
  await putFactory(host, base);
  const installer = host.restartRuntime({
    arguments: ['--storage', '/data', ...factoryArguments],
    environment: deviceEnvironment,
  });
  const program = runProgram(installer);
  must(await installer.runUntilIdle(), 'the first start comes to rest');
  installer.sendSignal('SIGTERM');
  must((await installer.runFor(program)) === 0, 'the first run ends in order');
  return switchedOffAndOn(host);
}

function switchedOffAndOn(host: MemoryHost): MemoryHost {
  host.machine.switchOff('poweroff');
  return host.crash({ choose: replayed([]) });
}

function deviceFlow(flow: DeviceFlow, tamper: Tamper): Flow {
  const { name, about, starter = 'launcher', before, script, ends, collects = [] } = flow;
  const expected: Expectation = { ...flow, revisions: [base, ...flow.revisions] };
  let prepared: Promise<{ host: MemoryHost; facts: ReadonlyMap<string, string> }> | undefined;

  async function makePrepared() {
    const host = await installedDevice();
    const witness = new Witness();
    if (before === undefined) return { host, facts: witness.facts() };
    await run(host, witness, (client) => before(client, witness), untouched);
    return { host: switchedOffAndOn(host), facts: witness.facts() };
  }

  async function run(host: MemoryHost, witness: Witness, session: Session | undefined, with_: Tamper): Promise<void> {
    const { complaints } = watchProgress(host, witness);
    const device = new PoweredDevice(host, witness, { starter, tamper: with_ });
    const boot = await device.runToRest(session);
    must(complaints.length === 0, complaints.join('\n'));
    await judge(boot, witness, expected);
  }

  return {
    name,
    about,
    prepare: async () => {
      prepared ??= makePrepared();
      const { host, facts } = await prepared;
      return { host: host.crash({ choose: replayed([]) }), facts };
    },
    act: async (host, witness) => {
      await run(host, witness, (client) => script(client, witness), tamper);
      if (witness.knows(disturbed)) return;
      const { files } = host.restartRuntime();
      for (const revision of collects) must(await isCollected(files, revision), `${revision.name} is still there`);
      if (ends === undefined) return;
      const progress = await readProgress(files, layout, ends.revision);
      must(progress?.status === ends.status, `${ends.revision} ended as ${progress?.status}, not ${ends.status}`);
    },
    recover: async (survivor, witness) => {
      await learnFromDisk(survivor, witness);
      await run(survivor, witness, undefined, tamper);
    },
  };
}

/** Neither the revision is there nor an object that only it had. */
async function isCollected(files: Files, { name, objects }: Revision): Promise<boolean> {
  const paths = [layout.revision(name).directory, ...ownObjects(objects).map((id) => layout.object(id))];
  for (const path of paths) if ((await files.status(path)) !== undefined) return false;
  return true;
}

const ownObjects = (objects: Revision['objects']) => [...objects.keys()].filter((id) => !base.objects.has(id));

/** What is asked to go is no longer promised; the rest still is. */
function release(witness: Witness, { name, objects }: Revision): void {
  witness.forget(`step ${name}`);
  for (const id of ownObjects(objects)) witness.forget(`object ${id}`);
}

const next = makeRevision('locals/next');
const system = makeRevision('locals/system', { policy: 'system' });
const exits = makeRevision('locals/exits', { behaviour: 'exits' });
const systemExits = makeRevision('locals/system-exits', { policy: 'system', behaviour: 'exits' });
const unstartable = makeRevision('locals/unstartable', { behaviour: 'unstartable' });
const silent = makeRevision('locals/silent', { behaviour: 'silent' });
const incomplete = makeRevision('locals/incomplete', { incomplete: true });
/** The factory revision that a factory reset makes. */
const factory = { ...next, name: '0' };
const again = { ...makeRevision('locals/again'), name: 'locals/next' };

const uploaded =
  (revision: Revision): Script =>
  (client, witness) =>
    upload(client, witness, revision);
const asked =
  (op: string, payload: string): Script =>
  (client, witness) =>
    command(client, witness, op, payload);

const uploadedAnd =
  (op: string, revision: Revision): Script =>
  async (client, witness) => {
    await upload(client, witness, revision);
    await command(client, witness, op, revision.name);
  };
/** Nobody has to ask: the machine is switched on. */
const untold: Script = async () => {};
/** At rest it may wait for a reboot. */
const applied: Partial<DeviceFlow> = { staged: true, restingStages: ['updated', 'staged'] };

/** An update whose upload is over when the flow begins. */
function update(
  name: string,
  about: string,
  revision: Revision,
  op: string,
  status: string,
  more: Partial<DeviceFlow> = {},
): DeviceFlow {
  return {
    name,
    about,
    revisions: [revision],
    before: uploaded(revision),
    script: asked(op, revision.name),
    ends: { revision: revision.name, status },
    ...more,
  };
}

const flows: DeviceFlow[] = [
  {
    name: 'object-upload',
    about: 'objects arrive at the control socket',
    revisions: [next],
    script: async (client, witness) => {
      for (const [id, content] of next.objects)
        if (await accepted(client, witness, 'PUT', `/objects/${id}`, content)) witness.learn(`object ${id}`);
    },
  },
  {
    name: 'install',
    about: 'a step is stored, gets its message, is replaced, and gets another message',
    revisions: [next, again],
    before: uploaded(next),
    script: async (client, witness) => {
      await putMessage(client, witness, next.name, 'first');
      await upload(client, witness, again);
      await putMessage(client, witness, next.name, 'second');
    },
  },
  update('reboot-update', 'an update by reboot, up to DONE', next, 'LOCAL_RUN_COMMIT', 'DONE'),
  update('reboot-update-service', 'the same, without a launcher', next, 'LOCAL_RUN_COMMIT', 'DONE', {
    starter: 'service',
  }),
  update('system-update', 'an update that takes a reboot because of what it changes', system, 'LOCAL_RUN', 'DONE'),
  update('in-place-update', 'an update in the running system', next, 'LOCAL_RUN', 'UPDATED'),
  update('try-once', 'a revision that is run until the next reboot', next, 'TRY_ONCE', 'UPDATED'),
  update('rollback-exits', 'a revision that is booted and whose container ends', exits, 'LOCAL_RUN_COMMIT', 'ERROR'),
  update('rollback-unstartable', 'one that LXC refuses', unstartable, 'LOCAL_RUN_COMMIT', 'ERROR'),
  update('rollback-silent', 'one that never becomes ready', silent, 'LOCAL_RUN_COMMIT', 'ERROR'),
  update('rollback-in-place', 'one that fails in the running system', exits, 'LOCAL_RUN', 'ERROR'),
  update('refused-install', 'one that lacks an object', incomplete, 'LOCAL_RUN_COMMIT', 'ERROR'),
  {
    name: 'factory-reset',
    about: 'a revision that was tested becomes the factory revision and is run',
    revisions: [next, factory],
    before: async (client, witness) => {
      await upload(client, witness, next);
      await command(client, witness, 'LOCAL_RUN_COMMIT', next.name);
    },
    script: asked('MAKE_FACTORY', next.name),
    ends: { revision: '0', status: 'DONE' },
  },
  {
    name: 'factory-try-once',
    about: 'a revision that is tried once becomes the factory revision, which is the only way back until then',
    revisions: [next, factory],
    before: uploaded(next),
    script: async (client, witness) => {
      await command(client, witness, 'TRY_ONCE', next.name);
      await client.rest();
      await command(client, witness, 'MAKE_FACTORY', next.name);
    },
    ends: { revision: '0', status: 'DONE' },
  },
  update('apply-in-place', 'a revision that is applied, in the running system', next, 'LOCAL_APPLY', 'UPDATED'),
  update('apply', 'one that takes a reboot, which is left to somebody', system, 'LOCAL_APPLY', 'INPROGRESS', applied),
  {
    ...update('apply-reboot', 'one that was applied is booted', system, 'LOCAL_APPLY', 'DONE', applied),
    before: uploadedAnd('LOCAL_APPLY', system),
    script: untold,
  },
  {
    ...update('apply-exits', 'a bad one that was applied is booted', systemExits, 'LOCAL_APPLY', 'ERROR', applied),
    before: uploadedAnd('LOCAL_APPLY', systemExits),
    script: untold,
  },
  {
    ...update(
      'updated-reboot',
      'a revision that runs in place is tested again after a reboot',
      next,
      'LOCAL_RUN',
      'DONE',
    ),
    before: uploadedAnd('LOCAL_RUN', next),
    script: untold,
  },
  {
    name: 'collect',
    about: 'the collector takes what neither runs nor is the way back',
    revisions: [next, exits, silent],
    before: async (client, witness) => {
      for (const revision of [next, exits, silent]) await upload(client, witness, revision);
      await command(client, witness, 'LOCAL_RUN_COMMIT', next.name);
    },
    script: async (client, witness) => {
      for (const revision of [exits, silent]) release(witness, revision);
      await command(client, witness, 'RUN_GC', '');
    },
    collects: [exits, silent],
  },
  {
    ...update('collect-updating', 'the collector runs beside an update', next, 'LOCAL_RUN_COMMIT', 'DONE'),
    revisions: [next, exits],
    before: async (client, witness) => {
      for (const revision of [next, exits]) await upload(client, witness, revision);
    },
    script: async (client, witness) => {
      release(witness, exits);
      // When the update fails, its revision is no better than the other one.
      if (witness.knows(disturbed)) release(witness, next);
      await command(client, witness, 'LOCAL_RUN_COMMIT', next.name);
      await accepted(client, witness, 'POST', '/storage/gc', '');
    },
  },
];

/** All flows of whole devices. @param tamper faults to put into the program */
export function deviceFlows(tamper: Tamper = untouched): Flow[] {
  return flows.map((flow) => deviceFlow(flow, tamper));
}
