/** Finds out what there is on a device, so that the cases can name it. */
import type { ContainerJson, ObjectJson, StepJson } from '@pantavisor/ctrl-api';
import type { Facts, Target } from './case.ts';

async function list<T>(target: Target, path: string): Promise<T[]> {
  const answer = await target.send('host', { method: 'GET', target: path });
  return answer?.status === 200 ? (JSON.parse(answer.body) as T[]) : [];
}

/** Asks the device as a process of the host; lists that are not offered count as empty. */
export async function gatherFacts(target: Target): Promise<Facts> {
  const containers = await list<ContainerJson>(target, '/containers');
  const objects = await list<ObjectJson>(target, '/objects');
  const steps = await list<StepJson>(target, '/steps');
  const container = containers.find((entry) => entry.restart_policy === 'container')?.name;
  const systemContainer = containers.find((entry) => entry.restart_policy === 'system')?.name;
  const object = objects[0]?.sha256;
  const revision = steps[0]?.name;
  return {
    ...(container === undefined ? {} : { container }),
    ...(systemContainer === undefined ? {} : { systemContainer }),
    ...(object === undefined ? {} : { object }),
    ...(revision === undefined ? {} : { revision }),
  };
}
