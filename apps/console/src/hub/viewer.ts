import { sessionRoutes, type Viewer } from '@pantavisor/hub-api';
import { queryOptions, useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { hub } from './client.ts';

/** Who uses this browser; asked once, and again after logging in or out. */
export const viewerQuery = queryOptions({
  queryKey: ['viewer'],
  queryFn: () => hub.call(sessionRoutes.viewer),
  staleTime: Number.POSITIVE_INFINITY,
});

export const aboutQuery = queryOptions({
  queryKey: ['about'],
  queryFn: () => hub.call(sessionRoutes.about),
  staleTime: Number.POSITIVE_INFINITY,
});

export const isLoggedIn = (viewer: Viewer): boolean => viewer.prn !== '';

export const useViewer = (): Viewer => useSuspenseQuery(viewerQuery).data;
export const useAbout = () => useQuery(aboutQuery).data;
