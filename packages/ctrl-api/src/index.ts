/** Contract of the control socket: endpoints, JSON bodies, refusals. Plain data and types; the client is in `./client`. */

export type {
  BuildInfoText,
  CommandBody,
  CommandOperation,
  ConfigEntryJson,
  ConfigJson,
  ContainerAction,
  ContainerDetailJson,
  ContainerJson,
  ContainerStatusName,
  DaemonJson,
  DriverJson,
  ErrorJson,
  GarbageJson,
  GraphLinkJson,
  GroupJson,
  MetadataJson,
  ObjectJson,
  ProgressJson,
  SignalBody,
  StepJson,
  WakeLocksJson,
  WakeScope,
} from './bodies.ts';
export { commandOperations, wakeScopes } from './bodies.ts';
export { type Endpoint, type EndpointId, endpoints, type Method, type Role } from './endpoints.ts';
export { type Refusal, type RefusalCode, refusalByText, refusals } from './refusals.ts';
