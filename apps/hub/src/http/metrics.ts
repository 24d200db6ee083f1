import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Measurements for Prometheus; labels name routes, never addresses or ids of people and devices. */
export class Metrics {
  readonly registry = new Registry();
  readonly #duration: Histogram;
  readonly #series = new Map<string, { observe(seconds: number): void }>();

  constructor(gauges: Record<string, { help: string; read: () => number }>) {
    collectDefaultMetrics({ register: this.registry });
    this.#duration = new Histogram({
      name: 'api_response',
      help: 'seconds from request to answer',
      labelNames: ['endpoint', 'method', 'code'],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
      registers: [this.registry],
    });
    for (const [name, { help, read }] of Object.entries(gauges))
      new Gauge({
        name,
        help,
        registers: [this.registry],
        collect() {
          this.set(read());
        },
      });
  }

  observe(endpoint: string, method: string, code: number, seconds: number): void {
    const key = `${method} ${endpoint} ${code}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      series = this.#duration.labels(endpoint, method, String(code));
      this.#series.set(key, series);
    }
    series.observe(seconds);
  }
}
