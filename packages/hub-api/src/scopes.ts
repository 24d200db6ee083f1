/** Scopes of the hub's own API (hub-api §3.4): what a token may be narrowed to. */
export const baseService = 'prn:pantahub.com:apis:/base';

/** Every base scope with the text a person is asked to agree to. */
export const baseScopes = {
  all: 'Complete Access',
  profile: 'Read/Write profile',
  'profile.readonly': 'Read only profile',
  'user.readonly': 'Read only user',
  'user.write': 'Write only user',
  devices: 'Read/Write devices',
  'devices.readonly': 'Read only devices',
  'devices.write': 'Write only devices',
  'devices.change': 'Update devices',
  objects: 'Read/Write only objects',
  'objects.readonly': 'Read only objects',
  'objects.write': 'Write only objects',
  'objects.change': 'Update objects',
  trails: 'Read/Write only trails',
  'trails.readonly': 'Read only trails',
  'trails.write': 'Write only trails',
  'trails.change': 'Update trails',
  metrics: 'Read/Write only metrics',
  'metrics.readonly': 'Read only metrics',
  'metrics.write': 'Write only metrics',
  'metrics.change': 'Update metrics',
} as const;

export type BaseScope = keyof typeof baseScopes;

/** Full name of a base scope as it stands in a token, e.g. `prn:pantahub.com:apis:/base/devices`. */
export function scopeName(scope: string): string {
  return scope.startsWith('prn:') ? scope : `${baseService}/${scope}`;
}

/** What an anonymous token may do when it did not ask for anything: look at public things. */
export const anonymousScopes: readonly BaseScope[] = ['devices.readonly', 'objects.readonly', 'trails.readonly'];

const groups = (name: 'devices' | 'trails' | 'objects') => ({
  read: [name, `${name}.readonly`] as readonly BaseScope[],
  write: [name, `${name}.write`] as readonly BaseScope[],
});

/** Accepted scopes by group of routes; `all` is accepted everywhere. */
export const accepts = {
  devices: { ...groups('devices'), change: ['devices', 'devices.change'] as readonly BaseScope[] },
  trails: groups('trails'),
  objects: {
    read: ['devices', 'objects', 'objects.readonly'] as readonly BaseScope[],
    write: ['devices', 'objects', 'objects.write'] as readonly BaseScope[],
  },
  profile: {
    read: ['profile', 'profile.readonly'] as readonly BaseScope[],
    write: ['profile'] as readonly BaseScope[],
  },
  user: { read: ['user.readonly'] as readonly BaseScope[], write: ['user.write'] as readonly BaseScope[] },
  metrics: ['metrics', 'metrics.readonly'] as readonly BaseScope[],
  /** only an unrestricted token: hands out access itself */
  everything: [] as readonly BaseScope[],
};
