import layout from '../look/layout.module.css';

/** A table or the like that may be wider than the screen. It takes the focus, so that the keyboard can scroll it too. */
export function Scroll({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard (WCAG 2.1.1)
    <div className={layout.scroll} tabIndex={0} role="group" aria-label={label}>
      {children}
    </div>
  );
}

/** Text as it stands, that may be larger than its box. */
export function ScrollText({ className, children }: { className: string | undefined; children: React.ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard (WCAG 2.1.1)
    <pre className={className} tabIndex={0}>
      {children}
    </pre>
  );
}
