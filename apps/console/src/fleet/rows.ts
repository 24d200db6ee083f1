import { type FleetDevice, fleetRoutes } from '@pantavisor/hub-api';
import { keepPreviousData, queryOptions, useQueries, useQuery } from '@tanstack/react-query';
import { hub } from '../hub/client.ts';

/** Devices are fetched by so many; a screen shows fewer. */
export const pageSize = 100;

export const fleetPageQuery = (q: string, sort: string, page: number) =>
  queryOptions({
    queryKey: ['fleet', 'page', q, sort, page],
    queryFn: ({ signal }) =>
      hub.call(fleetRoutes.devices, {
        query: { q, sort, 'page[size]': String(pageSize), 'page[offset]': String(page * pageSize) },
        signal,
      }),
    staleTime: 10_000,
  });

export const facetsQuery = (q: string) =>
  queryOptions({
    queryKey: ['fleet', 'facets', q],
    queryFn: ({ signal }) => hub.call(fleetRoutes.facets, { query: { q }, signal }),
    placeholderData: keepPreviousData,
    staleTime: 10_000,
  });

/** Pages that a range of rows lies on. @param first, last rows, both included */
export function pagesOf(first: number, last: number): number[] {
  const from = Math.floor(Math.max(0, first) / pageSize);
  const to = Math.floor(Math.max(0, last) / pageSize);
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** The rows of a fleet that are on the screen; others are not there yet. */
export function useFleetRows(q: string, sort: string, first: number, last: number) {
  const head = useQuery({ ...fleetPageQuery(q, sort, 0), placeholderData: keepPreviousData });
  const pages = pagesOf(first, last).filter((page) => page > 0);
  const others = useQueries({ queries: pages.map((page) => fleetPageQuery(q, sort, page)) });
  const byPage = new Map<number, readonly FleetDevice[]>();
  if (head.data !== undefined) byPage.set(0, head.data.devices);
  for (const [index, page] of pages.entries()) {
    const devices = others[index]?.data?.devices;
    if (devices !== undefined) byPage.set(page, devices);
  }
  return {
    total: head.data?.total,
    error: head.error,
    refetch: head.refetch,
    isPlaceholder: head.isPlaceholderData,
    row: (index: number): FleetDevice | undefined => byPage.get(Math.floor(index / pageSize))?.[index % pageSize],
  };
}
