/** What a verb of pvcontrol is. One table of them drives parsing, help and completion. */
import type { Session } from './session.ts';

/** What can stand at the place of an argument, for completion. */
export type Candidate = 'container' | 'object' | 'revision' | 'daemon' | 'devmeta' | 'usrmeta' | 'path' | 'text';

export interface Argument {
  name: string;
  optional?: true;
  kind: Candidate;
  help: string;
}

export interface Verb {
  /** Name and further names after the group; the first is shown in help. */
  names: readonly string[];
  arguments?: readonly Argument[];
  summary: string;
  /** Command line and what it does. */
  examples: readonly (readonly [string, string])[];
  run(session: Session, values: readonly string[]): Promise<void>;
}

export interface VerbGroup {
  /** Name and further names; the first is shown in help. */
  names: readonly string[];
  summary: string;
  /** Run when the group stands alone; without it help is shown. */
  alone?: Verb['run'];
  examples?: readonly (readonly [string, string])[];
  verbs: readonly Verb[];
}
