/** For each rule the smallest document that breaks it: the proof that every rule of the table can fire. */
import type { ParseContext } from '../model.ts';
import type { RuleCode } from '../rules.ts';
import { appText, objectId, run, stateText } from './states.ts';

export interface Violation {
  text: string;
  /** Default: appengine. */
  context?: ParseContext;
}

const embedded: ParseContext = { initMode: 'embedded' };
const bsp = { linux: 'kernel.img', initrd: 'pantavisor' };

const app = (members: object, others: object = {}): Violation => ({ text: appText(members, others) });
const state = (members: object): Violation => ({ text: stateText(members) });
const raw = (text: string): Violation => ({ text });
const device = (members: object): Violation => state({ 'device.json': { groups: [{ name: 'all' }], ...members } });
const disk = (...disks: object[]): Violation => device({ disks });
const crypt = (members: object): object => ({ type: 'dm-crypt-versatile', ...members });
const legacy = (members: object): Violation => ({
  text: JSON.stringify({ '#spec': 'pantavisor-multi-platform@1', ...members }),
  context: embedded,
});

export const violations: Record<RuleCode, Violation> = {
  'json-empty': raw(' \n'),
  'json-value': raw('{"#spec": pantavisor-service-system@1}'),
  'json-string': raw('{"#spec":"pantavisor-service-system@1","a\tb.json":{}}'),
  'json-separator': raw('{"#spec":"pantavisor-service-system@1",}'),
  'json-key': raw('{#spec:"pantavisor-service-system@1"}'),
  'json-bracket': raw('{"#spec":"pantavisor-service-system@1","a.json":[}'),
  'json-end': raw('{"#spec":"pantavisor-service-system@1"'),
  'json-trailing': raw('{"#spec":"pantavisor-service-system@1"} x'),
  'json-depth': raw(`{"#spec":"pantavisor-service-system@1","a.json":${'['.repeat(200)}${']'.repeat(200)}}`),
  'key-duplicate': raw('{"#spec":"pantavisor-service-system@1","a.json":1,"a.json":2}'),
  'key-escaped': raw('{"#spec":"pantavisor-service-system@1","\\u0061.json":1}'),
  'key-prefix': app({ configs: 'x', config: undefined }),
  'too-many-problems': state(Object.fromEntries(Array.from({ length: 1100 }, (_, index) => [`f${index}`, 'x']))),

  'type-mismatch': app({ 'root-volume': 5 }),
  'value-null': app({ group: null }),
  'value-quoted': app({ auto_recovery: { max_retries: '3' } }),
  'value-range': app({ auto_recovery: { max_retries: -1 } }),

  'root-not-object': raw('[]'),
  'spec-missing': raw('{}'),
  'spec-unknown': raw('{"#spec":"pantavisor-service-system@9"}'),
  'spec-not-here': raw('{"#spec":"pantavisor-multi-platform@1"}'),
  'path-invalid': state({ '../etc/passwd': objectId('a') }),
  'path-reserved': state({ '.pvr/json': objectId('a') }),
  'path-conflict': state({ web: objectId('a'), 'web/file': objectId('b') }),
  'object-id-invalid': state({ 'web/file': 'abc' }),
  'object-id-case': state({ 'web/file': objectId('A') }),
  'file-missing': app({ 'root-volume': 'root.squashfs' }),
  'file-name-invalid': app({ config: '../other/lxc.container.conf' }),

  'bsp-duplicate': {
    text: `{"#spec":"pantavisor-service-system@1","bsp/run.json":{},"bsp/run.json":${JSON.stringify(bsp)}}`,
    context: embedded,
  },
  'bsp-missing': { text: stateText({}), context: embedded },
  'bsp-image-missing': { text: stateText({ 'bsp/run.json': { linux: 'kernel.img' } }), context: embedded },
  'bsp-rpiab-missing': { text: stateText({ 'bsp/run.json': bsp }), context: { ...embedded, bootloader: 'rpiab' } },
  'bsp-key-unsupported': { text: stateText({ 'bsp/run.json': { ...bsp, initrd_config: 'x' } }), context: embedded },
  'driver-unknown': app({ drivers: { required: ['wifi'] } }),
  'drivers-invalid': state({ 'bsp/drivers.json': { all: { wifi: 'iwlwifi' } } }),

  'device-json-only': state({ 'device.json': { groups: [{ name: 'all' }] }, 'groups.json': [{ name: 'other' }] }),
  'groups-missing': app({}, { 'device.json': {} }),
  'groups-missing-ignored': state({ 'device.json': {} }),
  'groups-empty': state({ 'groups.json': [] }),
  'groups-default-invalid': { text: stateText({}), context: { initMode: 'appengine', defaultGroups: '[{}]' } },
  'group-name': state({ 'groups.json': [{ timeout: 3 }] }),
  'group-duplicate': state({ 'groups.json': [{ name: 'a' }, { name: 'a' }] }),
  'status-goal-unknown': app({ status_goal: 'RUNNING' }),
  'restart-policy-unknown': app({ restart_policy: 'never' }),
  'disks-empty': device({ disks: [] }),
  'disk-name': disk(crypt({})),
  'disk-type-unknown': disk({ name: 'd', type: 'floppy' }),
  'disk-type-skipped': device({ disks_v3: [{ name: 'd', type: 'floppy' }] }),
  'disk-value-unknown': disk(crypt({ name: 'd', mode: 'fast' })),
  'disk-alias': disk(crypt({ name: 'a' }), crypt({ name: 'b', aliases: ['a'] })),
  'disk-duplicate': disk(crypt({ name: 'a' }), crypt({ name: 'a' })),
  'disk-default-many': disk(crypt({ name: 'a', default: 'yes' }), crypt({ name: 'b', default: 'yes' })),
  'disk-dual': disk({ name: 'd', type: 'dual', disks: [], init_order: ['tertiary'] }),
  'disk-unknown': app({ storage: { data: { persistence: 'permanent', disk: 'none' } } }),
  'pool-invalid': device({ network: { pools: { p: { subnet: '10.0.0.0/8' } } } }),
  'pool-gateway': device({
    network: { pools: { p: { bridge: 'br0', subnet: '10.0.0.0/8', gateway: '11.0.0.1' } } },
  }),
  'remount-invalid': device({ remount: { default: [{ '/a': 'ro', '/b': 'ro' }] } }),

  'container-not-object': state({ 'app/run.json': [] }),
  'container-empty': state({ 'app/run.json': { comment: 'nothing' } }),
  'container-unnamed': state({ 'app/run.json': { type: 'lxc' } }),
  'container-name': state({ 'app/run.json': run('../app') }),
  'container-name-reserved': state({ 'app/run.json': run('bsp') }),
  'container-name-unusual': state({ 'my app/run.json': run('my app') }),
  'container-name-differs': state({ 'app/run.json': run('other') }),
  'container-duplicate': state({ 'a/run.json': run('a'), 'b/run.json': run('a') }),
  'container-type-missing': app({ type: undefined }),
  'container-type-unsupported': app({ type: 'mcu' }),
  'container-config-missing': app({ config: undefined }),
  'group-unknown': app({ group: 'none' }),
  'runlevel-unknown': app({ runlevel: 'single' }),
  'role-unknown': app({ roles: ['king'] }),
  'volume-name': app({ volumes: ['root'] }),
  'storage-name': app({ storage: { '../other': { persistence: 'boot' } } }),
  'storage-persistence-missing': app({ storage: { data: {} } }),
  'storage-persistence-unknown': app({ storage: { data: { persistence: 'forever' } } }),
  'recovery-policy-unknown': app({ auto_recovery: { policy: 'sometimes' } }),
  'recovery-backoff-invalid': app({ auto_recovery: { backoff_policy: 'later' } }),
  'network-invalid': app({ network: { pool: 'p', ip: '10.0.0.300' } }),
  'pool-unknown': app({ network: { pool: 'p' } }),
  'log-empty': app({ logs: [{}] }),
  'log-incomplete': app({ logs: [{ name: 'x' }] }),
  'export-invalid': app({ exports: ['../..'] }),

  'service-invalid': app({ services: { required: [{ name: 'a/b' }] } }),
  'service-type-unknown': app({}, { 'app/services.json': [{ name: 's', type: 'morse' }] }),
  'service-required-missing': app({ services: { required: ['s'] } }),
  'service-type-differs': app(
    { services: { required: [{ name: 's', type: 'rest' }] } },
    { 'app/services.json': [{ name: 's', type: 'unix' }] },
  ),
  'services-unreadable': app({}, { 'app/services.json': 'x' }),
  'services-spec': app({}, { 'app/services.json': { '#spec': 'service-manifest-xconnect@2', services: [] } }),
  'services-ownerless': app({}, { 'other/services.json': [] }),
  'bus-name-invalid': app({}, { 'app/services.json': [{ type: 'dbus', owns: 'a b' }] }),

  'legacy-manifest': legacy({}),
  'legacy-platform': legacy({ 'pantavisor.json': bsp, 'a.json': { name: 'a' } }),
  'legacy-inert': legacy({ 'pantavisor.json': { ...bsp, platforms: ['a'] }, 'a.json': { name: 'a' } }),
};
