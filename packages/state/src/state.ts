/** Reading of a state document (state-format.md). */
import type { Place } from './fields.ts';
import type { JsonMember, JsonObject } from './json/nodes.ts';
import { pointerTo } from './json/nodes.ts';
import { readJson } from './json/reader.ts';
import type { Container, ParseContext, ParseResult, State, StateSpec } from './model.ts';
import { readBsp } from './parse/bsp.ts';
import { readContainer } from './parse/container.ts';
import { readDevice } from './parse/device.ts';
import { checkDrivers, readDrivers } from './parse/drivers.ts';
import { checkFiles } from './parse/files.ts';
import { readLegacy } from './parse/legacy.ts';
import { linkContainers } from './parse/link.ts';
import { ownerOf, type Root, sortMembers, spotOfMember } from './parse/root.ts';
import { quote, Report, type Spot } from './report.ts';

/** Deeper values are refused: what reads the same JSON elsewhere may recurse, and no manifest needs a tenth of it. */
const maxDepth = 128;

const initModes: Record<StateSpec, readonly ParseContext['initMode'][]> = {
  'pantavisor-service-system@1': ['embedded', 'standalone', 'appengine'],
  'pantavisor-multi-platform@1': ['embedded', 'standalone'],
};

/**
 * Reads a state document: checks its form and every manifest in it, assigns groups, roles and owners, and finds all
 * problems. Never throws. The order of keys matters only for the order of containers and for which of them becomes the
 * root container.
 *
 * @param text the document as received; inline JSON keeps its exact characters, because it is written to disk, compared
 *   and signed that way
 * @returns the state, unless a problem is an error; and all problems in document order
 */
export function parseState(text: string, context: ParseContext): ParseResult {
  const report = new Report(text);
  const state = read(report, text, context);
  const problems = report.problems();
  return state && !report.failed ? { state, problems } : { problems };
}

function read(report: Report, text: string, context: ParseContext): State | undefined {
  // Only the first level is built; most of a state is object ids and files that concern other tools.
  const { root, problems } = readJson(text, { buildDepth: 1, maxDepth });
  report.addSyntax(problems);
  if (!root || root.kind === 'broken') return undefined;
  if (root.kind !== 'object') {
    report.add('root-not-object', { offset: root.start, path: '' }, 'cannot read a state that is no JSON object');
    return undefined;
  }
  const spec = readSpec(report, root, context);
  if (!spec) return undefined;
  const reading: Reading = {
    report,
    text,
    sorted: sortMembers(report, text, root),
    context,
    build: (member) => buildMember(text, member),
    rootSpot: { offset: root.start, path: '' },
  };
  return spec === 'pantavisor-service-system@1' ? readSystem(reading) : readMultiPlatform(reading);
}

/** Builds the whole tree of one value; its form was checked, and reported, with the document. */
function buildMember(text: string, member: JsonMember): Place {
  const path = pointerTo('', member.key);
  const { start, end } = member.value;
  const { root } = readJson(text, { start, end, maxDepth, path });
  return { node: root ?? member.value, path };
}

function readSpec(report: Report, root: JsonObject, context: ParseContext): StateSpec | undefined {
  const member = root.members.findLast(({ key }) => key === '#spec');
  const hint = 'write "#spec": "pantavisor-service-system@1"';
  if (!member) {
    report.add('spec-missing', { offset: root.start, path: '' }, 'cannot read a state without "#spec"', hint);
    return undefined;
  }
  const spot: Spot = { offset: member.value.start, path: '/#spec' };
  const value = member.value.kind === 'string' ? member.value.value : undefined;
  const spec = Object.keys(initModes).find((name): name is StateSpec => name === value);
  if (!spec) {
    report.add(
      'spec-unknown',
      spot,
      `cannot read a state of the format ${value === undefined ? 'given' : quote(value)}`,
      hint,
    );
    return undefined;
  }
  if (!initModes[spec].includes(context.initMode)) {
    report.add(
      'spec-not-here',
      spot,
      `cannot run a state of the format ${quote(spec)} in the init mode ${context.initMode}`,
      hint,
    );
    return undefined;
  }
  return spec;
}

/** What reading a document of either format needs. */
interface Reading {
  report: Report;
  text: string;
  sorted: Root;
  context: ParseContext;
  /** The whole tree of a member. */
  build: (member: JsonMember) => Place;
  /** Place of problems that are about the document as a whole. */
  rootSpot: Spot;
}

function readSystem(reading: Reading): State {
  const { report, text, sorted, context, build, rootSpot } = reading;
  const file = (key: string): Place | undefined => {
    const member = sorted.members.get(key);
    return member && build(member);
  };
  const drafts = sorted.manifests.flatMap(
    ({ directory, member }) => readContainer(report, build(member), directory) ?? [],
  );
  const spots = new Map(drafts.map(({ own, fields }) => [own.name, fields.spot()]));
  const spotOf = ({ name }: Container): Spot => spots.get(name) ?? rootSpot;

  const device = readDevice(report, file, context, drafts.length > 0, rootSpot);
  const services = sorted.services.map(({ directory, member }) => ({ directory, place: build(member) }));
  const containers = device.groups.length === 0 ? [] : linkContainers(report, drafts, { ...device, services });
  const driversFile = file('bsp/drivers.json');
  const drivers = driversFile ? readDrivers(report, driversFile, context) : {};
  checkDrivers(report, containers, drivers, spotOf);
  const bspFile = context.initMode === 'appengine' ? undefined : sorted.members.get('bsp/run.json');
  const bsp = bspFile && readBsp(report, build(bspFile), context);
  if (!bspFile && context.initMode !== 'appengine') {
    report.add('bsp-missing', rootSpot, 'the state has no bsp/run.json and cannot be installed on this device');
  }
  const state = withOwners({
    spec: 'pantavisor-service-system@1',
    text,
    groups: device.groups,
    containers,
    disks: device.disks,
    deviceVolumes: device.volumes,
    pools: device.pools,
    remount: device.remount,
    ...(bsp ? { bsp } : {}),
    drivers,
    objects: sorted.objects,
    inline: sorted.inline,
  });
  checkFiles(report, state, spotOf, bspFile ? spotOfMember(bspFile) : rootSpot);
  return state;
}

function readMultiPlatform({ report, text, sorted, context, build, rootSpot }: Reading): State {
  const files = sorted.inline.flatMap(({ path }) => {
    const member = sorted.members.get(path);
    return member ? [{ path, place: build(member) }] : [];
  });
  const bsp = readLegacy(report, files, context, rootSpot);
  return {
    spec: 'pantavisor-multi-platform@1',
    text,
    groups: [],
    containers: [],
    disks: [],
    deviceVolumes: [],
    pools: [],
    remount: {},
    ...(bsp ? { bsp } : {}),
    drivers: {},
    objects: sorted.objects,
    inline: sorted.inline,
  };
}

function withOwners(state: State): State {
  const names = new Set(state.containers.map(({ name }) => name));
  // Member by member: there are thousands, and the small engine spreads slowly.
  const objects = state.objects.map((entry) => {
    const owner = ownerOf(entry.path, names);
    return owner === undefined ? entry : { path: entry.path, id: entry.id, owner };
  });
  const inline = state.inline.map((entry) => {
    const owner = ownerOf(entry.path, names);
    return owner === undefined ? entry : { path: entry.path, text: entry.text, owner };
  });
  return { ...state, objects, inline };
}
