/** The part of a state that the engine works with. */
import type { RevisionPlan } from '@pantavisor/engine';
import type { State } from '@pantavisor/state';

/** @param revision name of the revision, e.g. `0` or `locals/x` */
export function revisionPlan(revision: string, state: State): RevisionPlan {
  return {
    revision,
    groups: state.groups,
    containers: state.containers.map(({ name, group, statusGoal, restartPolicy, autoRecovery }) => ({
      name,
      group,
      statusGoal,
      restartPolicy,
      autoRecovery,
    })),
  };
}
