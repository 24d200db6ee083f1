/**
 * Every rule that a state can break, in one table: the code that problems carry, whether it rejects the state, and what it
 * demands. The reference in the documentation is generated from it.
 */

export interface Rule {
  /** `error`: the state is rejected. `warning`: the state is used, with the default or the reading that the rule names. */
  severity: 'error' | 'warning';
  /** The demand, as one sentence. */
  demands: string;
}

const error = (demands: string): Rule => ({ severity: 'error', demands });
const warning = (demands: string): Rule => ({ severity: 'warning', demands });

export const rules = {
  // Form of the text (RFC 8259). The original tolerates much of this by accident; the text is signed, so it must be plain.
  'json-empty': error('The text holds a JSON value.'),
  'json-value': error('Every value is a JSON value; words without quotes are none.'),
  'json-string': error('Strings hold no control characters and only escape sequences of JSON.'),
  'json-separator': error('Commas and colons stand between values, and none is left over.'),
  'json-key': error('Names of members stand in double quotes.'),
  'json-bracket': error('Brackets close what they opened.'),
  'json-end': error('The text does not end before its value does.'),
  'json-trailing': error('Nothing follows the document.'),
  'json-depth': error('Values are nested at most 128 levels deep.'),
  'key-duplicate': warning('A name occurs once in an object; of several, the last one counts.'),
  'key-escaped': warning('Keys of the state are written without escape sequences; the original would not decode them.'),
  'key-prefix': warning('Keys are spelled exactly; the original takes any key that begins with the wanted name.'),
  'too-many-problems': warning('At most 1000 problems are listed.'),

  // Types of values.
  'type-mismatch': error('A value has the type that its key asks for.'),
  'value-null': warning('A key that is not meant is left out; null counts as absent.'),
  'value-quoted': warning('Numbers and booleans are written without quotes; the original skips a quoted number.'),
  'value-range': error('A number lies in the range of its key.'),

  // Root.
  'root-not-object': error('The state is a JSON object.'),
  'spec-missing': error('The state names its format in `#spec`.'),
  'spec-unknown': error('`#spec` names a format that this runtime reads.'),
  'spec-not-here': error('The format may be used in the init mode of the device.'),
  'path-invalid': error('A key is a relative path without empty, `.` or `..` components, NUL or broken Unicode.'),
  'path-reserved': error('Keys leave `.pvr/` and `.pv/` to the runtime.'),
  'path-conflict': error('A key is not at the same time the directory of another key.'),
  'object-id-invalid': error('The value of a key that is not JSON is the id of an object: 64 lower-case hex digits.'),
  'object-id-case': warning('Object ids are written in lower case.'),
  'file-missing': warning('A file that a manifest names is a key of the state.'),
  'file-name-invalid': error('File names in manifests stay inside their directory.'),

  // Board support part.
  'bsp-duplicate': error('`bsp/run.json` occurs once.'),
  'bsp-missing': warning('A state for a whole device has `bsp/run.json`; without it, it cannot be installed.'),
  'bsp-image-missing': error('`bsp/run.json` names `fit`, `rpiab`, or `linux` and `initrd`.'),
  'bsp-rpiab-missing': error('The boot loader rpiab needs the key `rpiab`.'),
  'bsp-key-unsupported': warning('`initrd_config` is not supported and has no effect.'),
  'driver-unknown': warning(
    'A driver that a container requires is declared in bsp/drivers.json; nothing is loaded otherwise.',
  ),
  'drivers-invalid': warning('`bsp/drivers.json` maps driver names to lists of modules, by section.'),

  // device.json, disks and groups.
  'device-json-only': warning(
    'With `device.json`, the files disks.json, disks_v2.json, disks_v3.json and groups.json are ignored.',
  ),
  'groups-missing': error('A `device.json` has `groups` when the state has containers.'),
  'groups-missing-ignored': warning('A `device.json` without `groups` is ignored.'),
  'groups-empty': error('A list of groups has at least one.'),
  'groups-default-invalid': error("The device's own default groups can be read."),
  'group-name': error('A group has a name of printable characters without slashes.'),
  'group-duplicate': error('Names of groups are unique.'),
  'status-goal-unknown': error('`status_goal` is MOUNTED, STARTED or READY.'),
  'restart-policy-unknown': error('`restart_policy` is system or container.'),
  'disks-empty': error('A strict list of disks has at least one.'),
  'disk-name': error('A disk has a name without slashes, dots alone or control characters.'),
  'disk-type-unknown': error('The type of a disk is one this runtime knows.'),
  'disk-type-skipped': warning('A disk of unknown type in disks_v3 is skipped.'),
  'disk-value-unknown': warning('`mode` is mainline or nxp, `format` is ext3, ext4 or swap.'),
  'disk-alias': error('An alias is not empty, not the name of another disk, and belongs to one disk.'),
  'disk-duplicate': warning('Names of disks are unique; of several, the first one counts.'),
  'disk-default-many': warning('One disk at most is the default; of several, the first one counts.'),
  'disk-dual': error('A dual disk has at most four `disks` and eight steps of `init_order`, all of known names.'),
  'disk-unknown': warning('A disk that is referred to is declared; mounting fails otherwise.'),
  'pool-invalid': warning(
    'A network pool has a bridge or parent, a subnet a.b.c.d/n and a gateway; otherwise it is skipped.',
  ),
  'pool-gateway': warning('The gateway of a pool lies inside its subnet.'),
  'remount-invalid': warning('A remount policy is a list of objects, each with one path and its mount options.'),

  // Containers.
  'container-not-object': error('`run.json` of a container is a JSON object.'),
  'container-empty': warning('A `run.json` without any known key declares no container.'),
  'container-unnamed': error('A container has a `name`.'),
  'container-name': error(
    'The name of a container is a file name: no slash, no control characters, not `.` or `..`, at most 255 bytes.',
  ),
  'container-name-reserved': error('A container is not called bsp, _config, _sigs, _pv_, .pv or .pvr.'),
  'container-name-unusual': warning(
    'Names of containers use letters, digits, `.`, `_` and `-`; others can upset LXC and overlay mounts.',
  ),
  'container-name-differs': warning(
    'The name of a container is the name of its directory; otherwise its files belong to nobody and a change of them reboots.',
  ),
  'container-duplicate': error('Names of containers are unique.'),
  'container-type-missing': error('A container that is to be started has a `type`.'),
  'container-type-unsupported': error('The type of a container is `lxc`, the only one this runtime can start.'),
  'container-config-missing': error('A container that is to be started has a `config`, its LXC configuration.'),
  'group-unknown': error('A container names a group of the state.'),
  'runlevel-unknown': warning('`runlevel` is data, root, platform or app; other values are ignored.'),
  'role-unknown': warning('`roles` holds mgmt or nobody; other values are ignored.'),
  'volume-name': error('A volume is `[handler:]file` with a file extension.'),
  'storage-name': error('The key of a storage entry is a path below the directory of volumes, without `..`.'),
  'storage-persistence-missing': warning('A storage entry has `persistence`; without it, it is ignored.'),
  'storage-persistence-unknown': warning('`persistence` is permanent, revision or boot; other values mean boot.'),
  'recovery-policy-unknown': warning(
    '`auto_recovery.policy` is no, always, on-failure or unless-stopped; other values mean no.',
  ),
  'recovery-backoff-invalid': warning('`backoff_policy` is reboot, never or a duration such as 30s, 10min, 1h.'),
  'network-invalid': error('`network` of a container has valid mode, host name, addresses and at most one interface.'),
  'pool-unknown': warning('A container names a pool of device.json; starting fails otherwise.'),
  'log-empty': error('An entry of `logs` is not empty.'),
  'log-incomplete': warning('An entry of `logs` names a `file`, or is one of the built-in sources lxc and console.'),
  'export-invalid': error('`exports` holds paths below the root of the container, without `..`.'),

  // Services.
  'service-invalid': error('A required or optional service has a name without slashes, and valid role and target.'),
  'service-type-unknown': warning('The type of a service is rest, dbus, unix, drm, wayland or input.'),
  'service-required-missing': warning(
    'A required service is exported by some container; otherwise the revision cannot run.',
  ),
  'service-type-differs': warning(
    'Type of a requirement and of the export that meets it agree; that of the export counts.',
  ),
  'services-unreadable': warning(
    '`services.json` is a list of services, alone or as the member `services`; otherwise it is ignored.',
  ),
  'services-spec': error('`#spec` of services.json is service-manifest-xconnect@1, or absent.'),
  'services-ownerless': warning('`services.json` lies in the directory of a container.'),
  'bus-name-invalid': error('Bus names and roles of services hold letters, digits, `_`, `-` and `.` only.'),

  // The legacy format pantavisor-multi-platform@1.
  'legacy-manifest': error(
    'The legacy format has one `pantavisor.json` with `fit`, or `linux` and `initrd`, and valid lists.',
  ),
  'legacy-platform': error('Every other JSON file of the legacy format is a platform listed in `platforms`.'),
  'legacy-inert': warning('Containers of the legacy format cannot be started.'),
} satisfies Record<string, Rule>;

/** Stable name of a rule. */
export type RuleCode = keyof typeof rules;
