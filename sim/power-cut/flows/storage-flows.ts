/** Flows of the storage alone, with clients that try again: many more states in the same time than whole devices. */
import { createMemoryHost, type MemoryHost } from '../../../apps/device/src/host/memory/host.ts';
import { replayed } from '../../../apps/device/src/host/memory/random.ts';
import type { Files } from '../../../apps/device/src/host/ports.ts';
import { collectGarbage } from '../../../apps/device/src/storage/collect.ts';
import { makeTree, readIfThere, writeDurable } from '../../../apps/device/src/storage/durable.ts';
import { expandRevision, type StateFiles } from '../../../apps/device/src/storage/expand.ts';
import { makeFactory } from '../../../apps/device/src/storage/factory.ts';
import { objectIdsOf } from '../../../apps/device/src/storage/garbage.ts';
import { createObjectStore, isObjectId, type ObjectStore } from '../../../apps/device/src/storage/objects.ts';
import { prepareStorage } from '../../../apps/device/src/storage/prepare.ts';
import { readProgress, saveProgress } from '../../../apps/device/src/storage/progress.ts';
import {
  isDone,
  listRevisions,
  markDone,
  readCurrent,
  readStateText,
  saveCommitMessage,
  setCurrent,
  storeRevision,
} from '../../../apps/device/src/storage/revisions.ts';
import { readSpace } from '../../../apps/device/src/storage/space.ts';
import { bodyOf, damage, idOf, layout } from '../../../apps/device/src/storage/testing/storage-machine.ts';
import { validateRevision } from '../../../apps/device/src/storage/validate.ts';
import { type Flow, quick, type Tamper, untouched } from '../flow.ts';
import { must, type Witness } from '../witness.ts';

/** A storage as the program opens it. */
interface Room {
  files: Files;
  store: ObjectStore;
}

interface StorageFlow {
  name: string;
  about: string;
  setUp(room: Room): Promise<void>;
  /** Does everything, and may be done again. */
  act(room: Room, witness: Witness): Promise<void>;
  /** What must hold after the storage was opened again, whatever was cut. */
  check(room: Room, witness: Witness): Promise<void>;
}

interface Example {
  text: string;
  files: StateFiles;
  contents: string[];
}

/** Several sectors, so that writes can be torn. */
const contentSize = 1300;

/** A revision with a board support part, a shared object and one that is copied. */
function example(tag: string): Example {
  const [root, config, bind, kernel, initrd] = ['root', 'config', 'bind', 'kernel', 'initrd'].map((part) =>
    `${part} ${tag} `.padEnd(contentSize, tag),
  ) as [string, string, string, string, string];
  const run = `{"name":"app",  "tag":"${tag}"}`;
  const objects = [
    { path: 'app/root.squashfs', id: idOf(root), owner: 'app' },
    { path: 'app/lxc.container.conf', id: idOf(config), owner: 'app' },
    { path: 'app/data.bind', id: idOf(bind), owner: 'app' },
    { path: 'app/again/root.squashfs', id: idOf(root), owner: 'app' },
    { path: 'bsp/kernel.img', id: idOf(kernel) },
    { path: 'bsp/pantavisor', id: idOf(initrd) },
  ];
  const members = objects.map(({ path, id }) => `"${path}":"${id}"`).join(',');
  return {
    text: `{"#spec":"pantavisor-service-system@1",${members},"app/run.json":${run}}`,
    files: {
      objects,
      inline: [{ path: 'app/run.json', text: run, owner: 'app' }],
      bsp: { image: { kind: 'linux', kernel: 'kernel.img', initrd: 'pantavisor' }, addons: [], modulesFor: {} },
    },
    contents: [root, config, bind, kernel, initrd],
  };
}

const [first, second, third] = ['first', 'second', 'third'].map(example) as [Example, Example, Example];
const examples = [first, second, third];

async function putAll({ files, store }: Room, { contents }: Example, witness?: Witness): Promise<void> {
  for (const content of contents) {
    const half = Math.floor(content.length / 2);
    const answer = await store.put(idOf(content), bodyOf(files, [content.slice(0, half), content.slice(half)]));
    must(answer.ok, `an object was refused: ${JSON.stringify(answer)}`);
    witness?.learn(`object ${idOf(content)}`);
  }
}

async function lay({ files }: Room, revision: string, { files: parts }: Example): Promise<void> {
  const { missing } = await expandRevision(files, layout, revision, parts, true);
  must(missing.length === 0, `objects of ${revision} are missing: ${missing.map(({ path }) => path)}`);
}

/** A revision that is there and laid out, as one that was run. */
async function installed(room: Room, revision: string, content: Example): Promise<void> {
  const { files } = room;
  await putAll(room, content);
  await storeRevision(files, layout, revision, content.text);
  await lay(room, revision, content);
  await saveProgress(files, layout, revision, { status: 'DONE', message: 'done', retries: 0 });
  await markDone(files, layout, revision);
  const { volumes, logs } = layout.revision(revision);
  for (const directory of [volumes, `${logs}/app`]) await makeTree(files, directory);
  await writeDurable(files, `${volumes}/data.img`, `volume of ${revision}`);
  await writeDurable(files, `${logs}/app/log`, `log of ${revision}`);
}

/** Nothing that is half-written counts: no damaged object, no torn state, no revision that cannot be made whole. */
async function checkWhole(room: Room): Promise<void> {
  const { files } = room;
  for (const { name } of await files.list(layout.objects)) {
    must(isObjectId(name), `${name} lies among the objects`);
    must((await files.digest(layout.object(name))) === name, `the object ${name} is damaged`);
  }
  for (const directory of [layout.trails, `${layout.trails}/locals`])
    for (const { name } of await files.list(directory)) must(!name.startsWith('.'), `${directory}/${name} is left`);
  for (const revision of await listRevisions(files, layout)) {
    const text = await readStateText(files, layout, revision);
    const content = examples.find((candidate) => candidate.text === text);
    must(text === undefined || content !== undefined, `${revision} has a torn state`);
    const progress = await readIfThere(files, layout.revision(revision).progress);
    must(progress === undefined || (await readProgress(files, layout, revision)) !== undefined, 'a torn progress');
  }
}

/** The revision can be laid out, and every file of it is proven. */
async function checkRuns(room: Room, revision: string, content: Example): Promise<void> {
  await lay(room, revision, content);
  const { problems } = await validateRevision(room.files, layout, revision, content.files);
  must(problems.length === 0, `${revision} cannot run: ${problems.map(({ message }) => message).join('; ')}`);
}

async function checkPromises({ files }: Room, witness: Witness): Promise<void> {
  for (const [id] of witness.about('object'))
    must((await files.status(layout.object(id))) !== undefined, `the object ${id} was acknowledged and is not there`);
  for (const [name, text] of witness.about('step'))
    must((await readStateText(files, layout, name)) === text, `the step ${name} was acknowledged and is not there`);
  for (const [name, message] of witness.about('message'))
    must((await readIfThere(files, layout.revision(name).commitMessage)) === message, `the message of ${name} is lost`);
  for (const [name, status] of witness.about('progress'))
    must((await readProgress(files, layout, name))?.status === status, `the progress ${status} of ${name} is lost`);
  for (const [name] of witness.about('done')) must(await isDone(files, layout, name), `${name} is no longer done`);
  for (const [name] of witness.about('current'))
    must((await readCurrent(files, layout)) === name, `the running revision is not ${name}`);
}

const name = 'locals/next';

const flows: StorageFlow[] = [
  {
    name: 'storage-upload',
    about: 'objects arrive in pieces, one of them in place of a damaged one',
    setUp: async (room) => {
      await installed(room, '0', first);
      await damage(room.files, layout.object(idOf(first.contents[0] ?? '')));
    },
    act: async (room, witness) => {
      await putAll(room, second, witness);
      await putAll(room, first, witness);
    },
    check: async ({ files }, witness) => {
      for (const { name: id } of await files.list(layout.objects)) {
        // The damaged one may still be so until its repair was acknowledged.
        const repaired = id !== idOf(first.contents[0] ?? '') || witness.knows(`object ${id}`);
        must(isObjectId(id), `${id} lies among the objects`);
        must(!repaired || (await files.digest(layout.object(id))) === id, `the object ${id} is damaged`);
      }
    },
  },
  {
    name: 'storage-install',
    about: 'a revision arrives, is laid out, is run and becomes the rollback point',
    setUp: async (room) => {
      await installed(room, '0', first);
      await setCurrent(room.files, layout, '0');
    },
    act: async (room, witness) => {
      const { files } = room;
      await putAll(room, second, witness);
      await storeRevision(files, layout, name, second.text);
      witness.learn(`step ${name}`, second.text);
      await saveCommitMessage(files, layout, name, 'a message');
      witness.learn(`message ${name}`, 'a message');
      await lay(room, name, second);
      witness.forget('current 0');
      witness.forget(`progress ${name}`);
      await saveProgress(files, layout, name, { status: 'TESTING', message: 'testing', retries: 0 });
      witness.learn(`progress ${name}`, 'TESTING');
      await setCurrent(files, layout, name);
      witness.learn(`current ${name}`);
      witness.forget(`progress ${name}`);
      const reasons = [{ code: 'tested', message: 'it was tested' }];
      await saveProgress(files, layout, name, { status: 'DONE', message: 'done', retries: 0 }, { reasons });
      witness.learn(`progress ${name}`, 'DONE');
      await markDone(files, layout, name);
      witness.learn(`done ${name}`);
    },
    check: async (room) => {
      await checkWhole(room);
      await checkRuns(room, '0', first);
      must(['0', name].includes((await readCurrent(room.files, layout)) ?? ''), 'no revision is the running one');
      if ((await readStateText(room.files, layout, name)) !== undefined) await checkRuns(room, name, second);
    },
  },
  {
    name: 'storage-replace',
    about: 'a revision gets another state, and what belonged to the earlier one goes',
    setUp: async (room) => {
      await installed(room, '0', first);
      await installed(room, name, second);
      await putAll(room, third);
    },
    act: async ({ files }, witness) => {
      await storeRevision(files, layout, name, third.text);
      witness.learn(`step ${name}`, third.text);
    },
    check: async (room) => {
      const { files } = room;
      await checkWhole(room);
      await checkRuns(room, '0', first);
      const text = await readStateText(files, layout, name);
      must(text === second.text || text === third.text, `${name} is neither the earlier nor the new one`);
      const { volumes, logs } = layout.revision(name);
      const mixed = (await readIfThere(files, `${volumes}/data.img`)) ?? (await readIfThere(files, `${logs}/app/log`));
      must(text === second.text || mixed === undefined, `the new ${name} has volumes or logs of the earlier one`);
      await checkRuns(room, name, text === second.text ? second : third);
    },
  },
  {
    name: 'storage-factory',
    about: 'a revision becomes the factory revision',
    setUp: async (room) => {
      await installed(room, '0', first);
      await installed(room, name, second);
    },
    act: async ({ files }, witness) => {
      await makeFactory(files, layout, name);
      witness.learn('step 0', second.text);
    },
    check: async (room) => {
      await checkWhole(room);
      await checkRuns(room, name, second);
      const text = await readStateText(room.files, layout, '0');
      must(text === first.text || text === second.text, 'there is no factory revision');
      await checkRuns(room, '0', text === first.text ? first : second);
    },
  },
  {
    name: 'storage-garbage',
    about: 'revisions and objects that nothing needs are collected beside a running upload',
    setUp: async (room) => {
      await installed(room, '0', first);
      await installed(room, '1', second);
      await installed(room, 'locals/old', third);
      await room.store.put(idOf('stray'), bodyOf(room.files, ['stray']));
      await makeTree(room.files, `${layout.revisionVolumes}/gone`);
      await writeDurable(room.files, `${layout.revisionVolumes}/gone/data.img`, 'volume of nobody');
    },
    act: async ({ files, store }, witness) => {
      const rules = { running: '0', committed: '0', updating: undefined, keepFactory: true };
      await collectGarbage(files, layout, rules, [], () => store.uploads());
      witness.learn('collected');
    },
    check: async (room, witness) => {
      await checkWhole(room);
      await checkRuns(room, '0', first);
      const left = await listRevisions(room.files, layout);
      must(!witness.knows('collected') || left.length === 1, `collected, and there are ${left}`);
      for (const [revision, content] of [
        ['1', second],
        ['locals/old', third],
      ] as const) {
        if (left.includes(revision)) await checkRuns(room, revision, content);
        const { volumes } = layout.revision(revision);
        const orphan = !left.includes(revision) && (await room.files.status(volumes)) !== undefined;
        must(!orphan, `${revision} is gone and its volumes are not`);
      }
      const kept = new Set(objectIdsOf(first.text));
      if (!witness.knows('collected')) return;
      for (const { name: id } of await room.files.list(layout.objects)) must(kept.has(id), `the object ${id} is left`);
    },
  },
];

function storageFlow({ name: flowName, about, setUp, act, check }: StorageFlow, tamper: Tamper): Flow {
  let prepared: Promise<MemoryHost> | undefined;
  const roomOn = (host: MemoryHost, fault: Tamper): Room => {
    const files = fault(host.files);
    return { files, store: createObjectStore({ files, layout, space: () => readSpace(files, layout, 5) }) };
  };

  async function makePrepared(): Promise<MemoryHost> {
    const host = createMemoryHost(quick);
    const room = roomOn(host, untouched);
    await prepareStorage(room.files, layout, room.store);
    await setUp(room);
    host.machine.switchOff('poweroff');
    return host;
  }

  return {
    name: flowName,
    about,
    prepare: async () => {
      prepared ??= makePrepared();
      return { host: (await prepared).crash({ choose: replayed([]) }), facts: new Map() };
    },
    act: async (host, witness) => {
      const room = roomOn(host, tamper);
      await host.runFor(act(room, witness));
      await host.runFor(check(room, witness));
    },
    recover: async (survivor, witness) => {
      const room = roomOn(survivor, tamper);
      await survivor.runFor(
        (async () => {
          await prepareStorage(room.files, layout, room.store);
          await checkPromises(room, witness);
          await check(room, witness);
          // Whoever was interrupted does it again, and nothing may be in the way.
          await act(room, witness);
          await checkPromises(room, witness);
          await check(room, witness);
        })(),
      );
    },
  };
}

/** All flows of the storage. @param tamper faults to put into the program */
export function storageFlows(tamper: Tamper = untouched): Flow[] {
  return flows.map((flow) => storageFlow(flow, tamper));
}
