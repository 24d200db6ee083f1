import { useQuery } from '@tanstack/react-query';
import { useCallback, useMemo } from 'react';
import { contentAddress, objectsQuery, type StepObjects, stepQuery } from '../hub/device.ts';
import type { Side } from './compare.ts';
import { decodeText, type FetchText, largestText } from './content.tsx';

/** A revision of a device. */
export interface Place {
  id: string;
  rev: number;
}

const sizesOf = (objects: StepObjects) => new Map([...objects].map(([key, { sizeint }]) => [key, sizeint]));

/** A revision as one side of a comparison, with the way to the content of its files. */
export function useSide(place: Place | undefined) {
  const enabled = place !== undefined;
  const step = useQuery({ ...stepQuery(place?.id ?? '', place?.rev ?? 0), enabled });
  const objects = useQuery({ ...objectsQuery(place?.id ?? '', place?.rev ?? 0), enabled });
  const state = step.data?.state;
  const found = objects.data;
  const side = useMemo(
    (): Side | undefined => (state === undefined || found === undefined ? undefined : { state, sizes: sizesOf(found) }),
    [state, found],
  );
  return { side, step: step.data, objects: found, error: step.error ?? objects.error };
}

async function fetchObject(objects: StepObjects | undefined, key: string): Promise<string | undefined> {
  const object = objects?.get(key);
  if (object === undefined || object.sizeint > largestText) return undefined;
  const response = await fetch(contentAddress(object));
  if (!response.ok) throw new Error(`cannot fetch ${key}: the hub answered ${response.status}`);
  return decodeText(new Uint8Array(await response.arrayBuffer()));
}

/** How the content of both sides is fetched. */
export function useFetchText(before: StepObjects | undefined, after: StepObjects | undefined): FetchText {
  return useCallback((side, key) => fetchObject(side === 'before' ? before : after, key), [before, after]);
}
