/**
 * Lets tests of components run on node:test: a document from happy-dom, and a loader that understands TSX and style sheets.
 * Import components with `await import()` after this, since static imports are looked up before it runs.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';
import { Window } from 'happy-dom';
import type { ReactNode } from 'react';

registerHooks({
  load(url, context, nextLoad) {
    if (url.endsWith('.css'))
      return {
        format: 'module',
        shortCircuit: true,
        // Names of classes are their own names.
        source: 'export default new Proxy({}, { get: (_, name) => String(name) });',
      };
    if (!url.endsWith('.tsx')) return nextLoad(url, context);
    const { code } = transformSync(readFileSync(fileURLToPath(url), 'utf8'), {
      loader: 'tsx',
      jsx: 'automatic',
      format: 'esm',
    });
    return { format: 'module', shortCircuit: true, source: code };
  },
});

const window = new Window({ url: 'http://hub.test/', width: 1000, height: 600 });
const given = {
  window,
  document: window.document,
  HTMLElement: window.HTMLElement,
  Element: window.Element,
  Node: window.Node,
  MutationObserver: window.MutationObserver,
  ResizeObserver: window.ResizeObserver,
  getComputedStyle: window.getComputedStyle.bind(window),
  requestAnimationFrame: (callback: () => void) => setTimeout(callback, 0),
  cancelAnimationFrame: clearTimeout,
  IS_REACT_ACT_ENVIRONMENT: true,
};
for (const [name, value] of Object.entries(given))
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });

/** What is shown, and how to end it. */
export interface Shown {
  root: HTMLElement;
  /** runs something that changes the screen, and waits until it has */
  act(work: () => void | Promise<void>): Promise<void>;
  show(node: ReactNode): Promise<void>;
  text(): string;
  end(): Promise<void>;
}

/** Shows components in a document. */
export async function show(node: ReactNode): Promise<Shown> {
  const { act, createElement } = await import('react');
  const { createRoot } = await import('react-dom/client');
  const { MantineProvider } = await import('@mantine/core');
  const root = document.createElement('div');
  document.body.append(root);
  const react = createRoot(root);
  const wrapped = (children: ReactNode) =>
    createElement(MantineProvider, { children: createElement('section', undefined, children) });
  await act(async () => react.render(wrapped(node)));
  return {
    root,
    act: (work) => act(async () => void (await work())),
    show: (next) => act(async () => react.render(wrapped(next))),
    text: () => root.querySelector('section')?.textContent ?? '',
    async end() {
      await act(async () => react.unmount());
      root.remove();
    },
  };
}
