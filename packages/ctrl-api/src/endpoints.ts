/** The one table of endpoints: the device routes by it, the client and the documentation are made from it (control.md §4). */

export type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

/** Who may call: every container, or only those with the role `mgmt` and the device itself. */
export type Role = 'any' | 'mgmt';

export interface Endpoint {
  method: Method;
  /** Segments in braces are variables; they match one segment that is not empty. */
  path: string;
  role: Role;
  /** Most bytes of the request's body; absent: a body is ignored. `disk`: as much as fits on the storage. */
  body?: number | 'disk';
  /** One sentence for the documentation. */
  summary: string;
}

export const endpoints = {
  listContainers: {
    method: 'GET',
    path: '/containers',
    role: 'mgmt',
    summary: 'Lists the containers of the running revision; `?detail=1` adds pid, start time and memory.',
  },
  controlContainer: {
    method: 'PUT',
    path: '/containers/{name}',
    role: 'mgmt',
    body: 1024,
    summary: 'Starts, stops or restarts a container whose restart policy is `container`.',
  },
  listGroups: { method: 'GET', path: '/groups', role: 'mgmt', summary: 'Lists the groups in starting order.' },
  signal: {
    method: 'POST',
    path: '/signal',
    role: 'any',
    body: 4096,
    summary: 'Tells the device that the calling container is ready.',
  },
  buildInfo: { method: 'GET', path: '/buildinfo', role: 'mgmt', summary: 'Shows how the runtime was built, as text.' },
  listObjects: { method: 'GET', path: '/objects', role: 'mgmt', summary: 'Lists the stored objects with their sizes.' },
  putObject: {
    method: 'PUT',
    path: '/objects/{sha256}',
    role: 'mgmt',
    body: 'disk',
    summary: 'Stores an object whose SHA-256 is its name.',
  },
  getObject: { method: 'GET', path: '/objects/{sha256}', role: 'mgmt', summary: 'Sends the content of an object.' },
  listSteps: {
    method: 'GET',
    path: '/steps',
    role: 'mgmt',
    summary: 'Lists the stored revisions with date, commit message and progress.',
  },
  getStep: { method: 'GET', path: '/steps/{revision}', role: 'mgmt', summary: 'Sends the state JSON of a revision.' },
  getLocalStep: {
    method: 'GET',
    path: '/steps/locals/{name}',
    role: 'mgmt',
    summary: 'Sends the state JSON of a local revision.',
  },
  putLocalStep: {
    method: 'PUT',
    path: '/steps/locals/{name}',
    role: 'mgmt',
    body: 'disk',
    summary: 'Stores a local revision without running it.',
  },
  getStepProgress: {
    method: 'GET',
    path: '/steps/{revision}/progress',
    role: 'mgmt',
    summary: 'Sends the progress of a revision.',
  },
  getLocalStepProgress: {
    method: 'GET',
    path: '/steps/locals/{name}/progress',
    role: 'mgmt',
    summary: 'Sends the progress of a local revision.',
  },
  putStepMessage: {
    method: 'PUT',
    path: '/steps/{revision}/commitmsg',
    role: 'mgmt',
    body: 256,
    summary: 'Sets the commit message of a revision.',
  },
  putLocalStepMessage: {
    method: 'PUT',
    path: '/steps/locals/{name}/commitmsg',
    role: 'mgmt',
    body: 256,
    summary: 'Sets the commit message of a local revision.',
  },
  command: {
    method: 'POST',
    path: '/commands',
    role: 'mgmt',
    body: 4096,
    summary: 'Gives the device a command; the answer says that it was accepted, not that it is done.',
  },
  legacyConfig: {
    method: 'GET',
    path: '/config',
    role: 'mgmt',
    summary: 'Shows the configuration by older names, with numbers for choices.',
  },
  config: {
    method: 'GET',
    path: '/config2',
    role: 'mgmt',
    summary: 'Shows every configuration key as text, and where its value comes from.',
  },
  collectGarbage: {
    method: 'POST',
    path: '/storage/gc',
    role: 'mgmt',
    summary: 'Removes revisions and objects that nothing needs, and says how many bytes that freed.',
  },
  listUserMeta: { method: 'GET', path: '/user-meta', role: 'mgmt', summary: 'Shows the user metadata.' },
  putUserMeta: {
    method: 'PUT',
    path: '/user-meta/{key}',
    role: 'mgmt',
    body: 4096,
    summary: 'Sets user metadata; a key of the configuration takes effect as such.',
  },
  deleteUserMeta: {
    method: 'DELETE',
    path: '/user-meta/{key}',
    role: 'mgmt',
    summary: 'Removes user metadata; the configuration that it stood over shows again.',
  },
  listDeviceMeta: { method: 'GET', path: '/device-meta', role: 'mgmt', summary: 'Shows the device metadata.' },
  putDeviceMeta: {
    method: 'PUT',
    path: '/device-meta/{key}',
    role: 'mgmt',
    body: 4096,
    summary: 'Sets device metadata.',
  },
  deleteDeviceMeta: { method: 'DELETE', path: '/device-meta/{key}', role: 'mgmt', summary: 'Removes device metadata.' },
  listDrivers: {
    method: 'GET',
    path: '/drivers',
    role: 'mgmt',
    summary: 'Lists the drivers of the calling container; `{}` when it has none.',
  },
  loadDrivers: {
    method: 'PUT',
    path: '/drivers/load',
    role: 'mgmt',
    summary: 'Loads the manual drivers of the calling container.',
  },
  unloadDrivers: {
    method: 'PUT',
    path: '/drivers/unload',
    role: 'mgmt',
    summary: 'Unloads the manual drivers of the calling container.',
  },
  loadDriver: {
    method: 'PUT',
    path: '/drivers/{name}/load',
    role: 'mgmt',
    summary: 'Loads one manual driver of the calling container.',
  },
  unloadDriver: {
    method: 'PUT',
    path: '/drivers/{name}/unload',
    role: 'mgmt',
    summary: 'Unloads one manual driver of the calling container.',
  },
  graph: {
    method: 'GET',
    path: '/xconnect-graph',
    role: 'mgmt',
    summary: 'Shows which container asks for which service of which other one.',
  },
  listDaemons: { method: 'GET', path: '/daemons', role: 'mgmt', summary: 'Lists the daemons of the device.' },
  controlDaemon: {
    method: 'PUT',
    path: '/daemons/{name}',
    role: 'mgmt',
    body: 1024,
    summary: 'Starts or stops a daemon of the device.',
  },
  wakeLocks: { method: 'GET', path: '/wakelocks', role: 'mgmt', summary: 'Shows what keeps the device awake.' },
} as const satisfies Record<string, Endpoint>;

/** Name of an endpoint in code. */
export type EndpointId = keyof typeof endpoints;
