/** How a simulated container behaves. Times in milliseconds of virtual time. */
import type { ContainerExit, RunningContainer } from '../ports.ts';

/** What a script can look at when a container starts. */
export interface ContainerStart {
  name: string;
  /** Counts the starts of this name on this machine, from 1. */
  run: number;
  configFile: string;
  config: string;
  environment: Record<string, string>;
}

export interface ContainerBehaviour {
  /** LXC refuses with this text. */
  fails?: string;
  /** From the call to the running init; default 10. */
  startTakes?: number;
  /** Ends by itself after this time, counted from the running init. */
  endsAfter?: number;
  /** How it ends by itself; default code 0. */
  exit?: ContainerExit;
  /** Posts the signal `ready` to this control socket after the time, as its init. */
  ready?: { after: number; socketPath: string };
  /** Does not end when it gets its halt signal. */
  ignoresHalt?: boolean;
  /** From a halt signal to the end; default 5. */
  stopTakes?: number;
  /** What init expects; default SIGPWR. */
  haltSignal?: string;
  /** Bytes; default 1 MiB. */
  memory?: number;
  /** Control groups stay behind when it ends, as they do after a killed monitor. */
  leavesControlGroups?: boolean;
}

export type ContainerScript = ContainerBehaviour | ((start: ContainerStart) => ContainerBehaviour);

/** Behaviour by container name; containers without a script start, run and stop when asked. */
export type ContainerScripts = Record<string, ContainerScript>;

/** A container that runs, or whose monitor has not gone yet. Belongs to the machine, not to a runtime. */
export interface MemoryContainer extends RunningContainer {
  lxcPath: string;
  controlGroups: string[];
  behaviour: ContainerBehaviour;
  /** Undefined while init runs. */
  exit: ContainerExit | undefined;
  exited: Promise<ContainerExit>;
  end: (exit: ContainerExit) => void;
}
