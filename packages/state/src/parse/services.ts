/** Services that containers require (`services` of run.json) and offer (services.json): xconnect.md §2. */
import { Fields, type Place, readList, spotOf } from '../fields.ts';
import type { ServiceExport, ServiceRequirement } from '../model.ts';
import { utf8Length } from '../paths.ts';
import { quote, type Report } from '../report.ts';

const types = ['rest', 'dbus', 'unix', 'drm', 'wayland', 'input'];

/** What is pasted into bus policies and user tables holds nothing that could mean something there. */
const role = /^[A-Za-z0-9_.-]+$/;
const busName = /^(?=.{1,255}$)[A-Za-z_-][A-Za-z0-9_-]*(?:\.[A-Za-z_-][A-Za-z0-9_-]*)+$/;
const control = /\p{Cc}/u;

/** sun_path less its final NUL. */
const socketPathLimit = 107;

/** Bus of an export that names none: the one the runtime hosts. */
export const hostedBus = 'system-bus';

/** Reads `services` of run.json: objects or bare names, required ones first. */
export function readRequirements(fields: Fields): ServiceRequirement[] {
  const found: ServiceRequirement[] = [];
  for (const key of ['required', 'optional']) {
    for (const item of fields.list(key) ?? []) {
      const requirement = readRequirement(fields.report, item, key === 'required');
      if (requirement) found.push(requirement);
    }
  }
  return found;
}

function readRequirement(report: Report, place: Place, required: boolean): ServiceRequirement | undefined {
  if (place.node.kind === 'string')
    return checkName(report, place, place.node.value) ? { name: place.node.value, role: 'any', required } : undefined;
  const fields = Fields.of(report, place);
  if (!fields) return undefined;
  const name = fields.string('name') ?? '';
  if (!checkName(report, place, name)) return undefined;
  const requirement: ServiceRequirement = { name, role: fields.string('role') || 'any', required };
  if (!role.test(requirement.role))
    report.add(
      'service-invalid',
      fields.spot('role'),
      `cannot use the role ${quote(requirement.role)}`,
      'use letters, digits, "_", "." and "-"',
    );
  const type = fields.string('type');
  if (type) requirement.type = type;
  const interfaceName = fields.string('interface');
  if (interfaceName) requirement.interface = interfaceName;
  const target = fields.string('target');
  if (target) requirement.target = target;
  if (target && (control.test(target) || utf8Length(target) > socketPathLimit)) {
    report.add(
      'service-invalid',
      fields.spot('target'),
      `cannot put a socket at ${quote(target)}`,
      `use a path of at most ${socketPathLimit} bytes without control characters`,
    );
  }
  return requirement;
}

function checkName(report: Report, place: Place, name: string): boolean {
  if (name !== '' && !control.test(name) && !name.includes('/')) return true;
  report.add(
    'service-invalid',
    spotOf(place),
    name === ''
      ? 'cannot require a service without a name'
      : `cannot require the service ${quote(name)}: its name holds slashes or control characters`,
  );
  return false;
}

/** Reads services.json: `{"#spec", "services": […]}` or the bare list. What is no service is skipped with a warning. */
export function readExports(report: Report, place: Place): ServiceExport[] {
  let list: Place | undefined = place;
  if (place.node.kind === 'object') {
    const fields = Fields.of(report, place);
    const spec = fields?.string('#spec');
    if (spec !== undefined && spec !== 'service-manifest-xconnect@1') {
      report.add(
        'services-spec',
        fields?.spot('#spec') ?? spotOf(place),
        `cannot read services of the format ${quote(spec)}`,
        'use "#spec": "service-manifest-xconnect@1"',
      );
    }
    list = fields?.get('services');
  }
  if (list?.node.kind !== 'array') {
    if (place.node.kind !== 'broken')
      report.add('services-unreadable', spotOf(list ?? place), 'there is no list of services; the file is ignored');
    return [];
  }
  const found: ServiceExport[] = [];
  for (const item of readList(report, list) ?? []) {
    const entry = item.node.kind === 'object' ? Fields.of(report, item) : undefined;
    const service = entry && (entry.get('owns') ? readBusName(entry) : readSocket(entry));
    if (service) found.push(service);
    else if (item.node.kind !== 'broken')
      report.add('services-unreadable', spotOf(item), 'an entry is no service with a name and is ignored');
  }
  return found;
}

function readType(fields: Fields): string {
  const type = fields.string('type') ?? '';
  if (types.includes(type)) return type;
  fields.report.add(
    'service-type-unknown',
    fields.spot('type'),
    `the service type ${quote(type)} is unknown; it cannot be connected`,
    `use one of ${types.join(', ')}`,
  );
  return 'unknown';
}

function readSocket(fields: Fields): ServiceExport | undefined {
  const name = fields.string('name');
  if (!name || control.test(name) || name.includes('/')) return undefined;
  const socket = fields.string('socket');
  return { kind: 'socket', name, type: readType(fields), ...(socket ? { socket } : {}) };
}

function readBusName(fields: Fields): ServiceExport | undefined {
  const owns = fields.string('owns');
  if (owns === undefined) return undefined;
  const { report } = fields;
  if (!busName.test(owns))
    report.add(
      'bus-name-invalid',
      fields.spot('owns'),
      `cannot own the bus name ${quote(owns)}`,
      'write a name such as org.example.Service',
    );
  const owner = fields.string('role');
  const allow = fields.strings('allow');
  for (const { text, place } of [...(owner ? [{ text: owner, place: fields.get('role') }] : []), ...allow]) {
    if (!role.test(text))
      report.add(
        'bus-name-invalid',
        place ? spotOf(place) : fields.spot(),
        `cannot use the role ${quote(text)}`,
        'use letters, digits, "_", "." and "-"',
      );
  }
  return {
    kind: 'bus-name',
    type: readType(fields),
    bus: fields.string('bus') || hostedBus,
    owns,
    ...(owner ? { role: owner } : {}),
    allow: allow.map(({ text }) => text),
  };
}
