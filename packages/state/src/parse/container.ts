/** `<container>/run.json` on its own, before groups, disks and pools are known (state-format §5). */
import { Fields, type Place, spotOf } from '../fields.ts';
import type { Container, RestartPolicy, StatusGoal, Volume } from '../model.ts';
import { whyNotName, whyNotPathBelow, whyNotRelativePath } from '../paths.ts';
import { quote, type Report } from '../report.ts';
import { restartPolicies, statusGoals } from './groups.ts';
import { readLogs } from './logs.ts';
import { readContainerNetwork } from './network.ts';
import { noRecovery, readRecovery } from './recovery.ts';
import { readRemount } from './remount.ts';
import { readRequirements } from './services.ts';
import { readStorage, readVolume, type StorageDraft } from './storage.ts';

/** A container as its manifest describes it; what the rest of the state decides is still open. */
export interface ContainerDraft {
  /** Everything that needs no other file. */
  own: Omit<Container, 'group' | 'statusGoal' | 'restartPolicy' | 'type' | 'config' | 'provides'>;
  type?: string;
  config?: string;
  /** As written; whether they exist is seen in link.ts. */
  runlevel?: string;
  group?: string;
  statusGoal?: StatusGoal;
  restartPolicy?: RestartPolicy;
  storage: StorageDraft[];
  /** The manifest, for the places of later problems. */
  fields: Fields;
}

const knownKeys = [
  'name',
  'type',
  'runlevel',
  'automodfw',
  'group',
  'restart_policy',
  'status_goal',
  'roles',
  'auto_recovery',
  'network',
  'config',
  'share',
  'root-volume',
  'volumes',
  'logs',
  'storage',
  'drivers',
  'services',
  'exports',
  'dev-log',
];

const reservedNames = ['bsp', '_config', '_sigs', '_pv_', '.pv', '.pvr'];

/** Reads a manifest. Undefined when it declares no container (reported). */
export function readContainer(report: Report, place: Place, directory: string): ContainerDraft | undefined {
  const fields = Fields.of(report, place, 'container-not-object');
  if (!fields) return undefined;
  const present = fields.entries().map(({ key }) => key);
  reportPrefixes(fields, present);
  const name = fields.string('name');
  if (!name) {
    const known = present.filter((key) => knownKeys.includes(key));
    if (known.length === 0) report.add('container-empty', fields.spot(), `${directory}/run.json declares no container`);
    else
      report.add(
        'container-unnamed',
        fields.spot('name'),
        `cannot declare a container in ${directory}/run.json without a name`,
        'set "name"',
      );
    return undefined;
  }
  checkName(fields, name, directory);
  const recovery = fields.object('auto_recovery');
  const network = fields.object('network');
  const devLog = fields.boolean('dev-log');
  const services = fields.object('services');
  const draft: ContainerDraft = {
    own: {
      name,
      directory,
      mgmt: readRoles(fields),
      autoRecovery: recovery ? readRecovery(recovery) : noRecovery(),
      volumes: readVolumes(fields),
      ...(network ? { network: readContainerNetwork(network) } : {}),
      logs: readLogs(fields),
      drivers: readDriverNames(fields),
      requires: services ? readRequirements(services) : [],
      exports: readExportPaths(fields),
      ...(devLog === undefined ? {} : { devLog }),
      autoModulesFirmware: fields.boolean('automodfw', ['yes', 'true'], ['no', 'false']) ?? true,
      remount: readRemount(fields),
    },
    storage: readStorageOf(fields),
    fields,
  };
  assign(draft, 'type', fields.string('type'));
  assign(draft, 'config', readConfig(fields));
  assign(draft, 'runlevel', fields.string('runlevel'));
  assign(draft, 'group', fields.string('group'));
  assign(draft, 'statusGoal', fields.word('status_goal', statusGoals, 'status-goal-unknown'));
  assign(draft, 'restartPolicy', fields.word('restart_policy', restartPolicies, 'restart-policy-unknown'));
  return draft;
}

function assign<K extends 'type' | 'config' | 'runlevel' | 'group' | 'statusGoal' | 'restartPolicy'>(
  draft: ContainerDraft,
  key: K,
  value: ContainerDraft[K] | undefined,
): void {
  if (value !== undefined) draft[key] = value;
}

/** The original takes `configs` for `config` when that is the first key with the prefix; here the key has no effect. */
function reportPrefixes(fields: Fields, present: readonly string[]): void {
  for (const wanted of knownKeys) {
    if (present.includes(wanted)) continue;
    const longer = present.find((key) => key.startsWith(wanted) && !knownKeys.includes(key));
    if (longer)
      fields.report.add(
        'key-prefix',
        fields.spot(longer),
        `${quote(longer)} has no effect, but the original reads it as ${quote(wanted)}`,
        `write "${wanted}" if that is meant`,
      );
  }
}

function checkName(fields: Fields, name: string, directory: string): void {
  const { report } = fields;
  const spot = fields.spot('name');
  const refusal = whyNotName(name);
  if (refusal)
    report.add(
      'container-name',
      spot,
      `cannot name a container ${quote(name)}: ${refusal}`,
      'use letters, digits, ".", "_" and "-"',
    );
  else if (reservedNames.includes(name))
    report.add(
      'container-name-reserved',
      spot,
      `cannot name a container ${quote(name)}: the name has a meaning of its own in the state`,
    );
  else if (!/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(name))
    report.add(
      'container-name-unusual',
      spot,
      `the container name ${quote(name)} has unusual characters`,
      'use letters, digits, ".", "_" and "-"',
    );
  if (!refusal && name !== directory)
    report.add(
      'container-name-differs',
      spot,
      `the container ${quote(name)} lies in the directory ${quote(directory)}`,
      'give both the same name',
    );
}

/** Without `roles` a container may use the whole control socket; with them, only if `mgmt` is among them. */
function readRoles(fields: Fields): boolean {
  if (!fields.get('roles')) return true;
  let mgmt = false;
  for (const { text, place } of fields.strings('roles')) {
    if (text === 'mgmt') mgmt = true;
    else if (text !== 'nobody')
      fields.report.add(
        'role-unknown',
        spotOf(place),
        `the role ${quote(text)} is unknown and gives no rights`,
        'use mgmt or nobody',
      );
  }
  return mgmt;
}

function readConfig(fields: Fields): string | undefined {
  const config = fields.string('config');
  if (!config) return undefined;
  const refusal = whyNotRelativePath(config);
  if (refusal)
    fields.report.add(
      'file-name-invalid',
      fields.spot('config'),
      `cannot use ${quote(config)} as the LXC configuration: ${refusal}`,
    );
  return config;
}

function readVolumes(fields: Fields): Volume[] {
  const { report } = fields;
  const found: Volume[] = [];
  const place = fields.get('root-volume');
  const root = fields.string('root-volume');
  const rootVolume = place && root ? readVolume(report, place, root, true) : undefined;
  if (rootVolume) found.push(rootVolume);
  for (const { text, place: item } of fields.strings('volumes')) {
    const volume = readVolume(report, item, text, false);
    if (volume) found.push(volume);
  }
  return found;
}

function readStorageOf(fields: Fields): StorageDraft[] {
  const storage = fields.object('storage');
  return storage ? readStorage(storage) : [];
}

function readDriverNames(fields: Fields): Container['drivers'] {
  const drivers = fields.object('drivers');
  const names = (key: string): string[] => drivers?.strings(key).map(({ text }) => text) ?? [];
  return { required: names('required'), optional: names('optional'), manual: names('manual') };
}

function readExportPaths(fields: Fields): string[] {
  const found: string[] = [];
  for (const { text, place } of fields.strings('exports')) {
    const refusal = whyNotPathBelow(text);
    if (refusal) fields.report.add('export-invalid', spotOf(place), `cannot export ${quote(text)}: ${refusal}`);
    else found.push(text);
  }
  return found;
}
