/** The part of `node:test` that the conformance suites use, for the small host: runs tests one after the other and prints each result as a line of JSON. */

interface Context {
  signal: Signal;
}

interface Signal {
  addEventListener(name: string, callback: () => void, options?: unknown): void;
  reason: Error;
}

type TestBody = (context: Context) => Promise<void> | void;

interface Registered {
  suite: string;
  title: string;
  body: TestBody;
}

const registered: Registered[] = [];
const suites: string[] = [];

export function describe(title: string, ...rest: [() => void] | [unknown, () => void]): void {
  suites.push(title);
  (rest.at(-1) as () => void)();
  suites.pop();
}

export function it(title: string, ...rest: [TestBody] | [unknown, TestBody]): void {
  registered.push({ suite: suites.join(' › '), title, body: rest.at(-1) as TestBody });
}

/** Runs everything that was registered. `print` gets one JSON object a test: suite, title, and error when it failed. */
export async function runAll(print: (line: string) => void): Promise<void> {
  const never: Signal = { addEventListener: () => {}, reason: new Error('time is up') };
  for (const { suite, title, body } of registered) {
    let error: string | undefined;
    try {
      await body({ signal: never });
    } catch (failure) {
      error =
        failure instanceof Error ? `${failure.name}: ${failure.message}\n${failure.stack ?? ''}` : String(failure);
    }
    print(JSON.stringify({ suite, title, ...(error === undefined ? {} : { error }) }));
  }
}
