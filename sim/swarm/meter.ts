/** What devices ask a hub, how often, and how long it takes to answer. */
import { quantile } from '../../bench/measure/table.ts';

export interface RouteFigures {
  /** Method and path, with `:id`, `:rev` and the like in place of what differs. */
  route: string;
  requests: number;
  /** Answers that were no success, by status, and calls that got none, by the kernel's word for it. */
  others: Record<string, number>;
  /** Milliseconds until the whole answer was there. */
  p50: number;
  p95: number;
  p99: number;
}

interface Route {
  milliseconds: number[];
  others: Map<string, number>;
}

export class Meter {
  readonly #routes = new Map<string, Route>();

  /** @param outcome status of the answer, or the code of the failure */
  count(method: string, url: string, milliseconds: number, outcome: number | string): void {
    const name = `${method} ${routeOf(url)}`;
    let route = this.#routes.get(name);
    if (route === undefined) {
      route = { milliseconds: [], others: new Map() };
      this.#routes.set(name, route);
    }
    route.milliseconds.push(milliseconds);
    const isSuccess = typeof outcome === 'number' && outcome >= 200 && outcome < 300;
    if (!isSuccess) route.others.set(String(outcome), (route.others.get(String(outcome)) ?? 0) + 1);
  }

  /** Most asked first. */
  figures(): RouteFigures[] {
    const figures = Array.from(this.#routes, ([route, { milliseconds, others }]) => ({
      route,
      requests: milliseconds.length,
      others: Object.fromEntries(others),
      p50: quantile(milliseconds, 0.5),
      p95: quantile(milliseconds, 0.95),
      p99: quantile(milliseconds, 0.99),
    }));
    return figures.sort((a, b) => b.requests - a.requests);
  }
}

/** The path of an address without what names one device, revision, object or permission. */
export function routeOf(url: string): string {
  return new URL(url).pathname
    .split('/')
    .map((part) => {
      if (/^[0-9a-f]{64}$/.test(part)) return ':sha';
      if (/^[0-9a-f]{24}$/.test(part)) return ':id';
      if (/^\d+$/.test(part)) return ':rev';
      return part.length > 40 ? ':token' : part;
    })
    .join('/');
}
