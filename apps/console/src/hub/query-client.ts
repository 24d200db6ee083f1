import { QueryClient } from '@tanstack/react-query';
import { refusalOf } from './client.ts';

/** Refusals that another attempt does not change. */
const isFinal = (status: number) => status >= 400 && status < 500 && status !== 429;

/** The memory of the console. What is shown is asked again when a window comes back, and by events of the hub. */
export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        retry: (count, error) => count < 2 && !isFinal(refusalOf(error).status),
        retryDelay: (count) => Math.min(8_000, 500 * 2 ** count),
      },
      mutations: { retry: false },
    },
  });
}
