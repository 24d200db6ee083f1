/** Icons as strokes on a grid of 16; drawn here because the console needs a few dozen of thousands. */
const paths = {
  overview: 'M2 8.5 8 3l6 5.5M4 7.5V13h3v-3h2v3h3V7.5',
  devices: 'M2.5 3.5h11v3.5h-11zM2.5 9h11v3.5h-11zM5 5.2h.01M5 10.7h.01',
  claim: 'M8 3v10M3 8h10',
  market: 'M2.5 5.5 8 2.5l5.5 3v5L8 13.5l-5.5-3zM2.5 5.5 8 8.5l5.5-3M8 8.5v5',
  key: 'M9.5 6.5a3 3 0 1 1-1-2.2 3 3 0 0 1 1 2.2zM9.2 7.5 14 12v1.5h-2V12h-1.5v-1.5',
  settings: 'M2.5 4.5h6M11.5 4.5h2M2.5 11.5h2M7.5 11.5h6M10 3v3M6 10v3',
  scan: 'M2.5 5.5v-3h3M10.5 2.5h3v3M13.5 10.5v3h-3M5.5 13.5h-3v-3M4.5 8h7',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.3 10.3l3.2 3.2',
  user: 'M8 8a2.7 2.7 0 1 0 0-5.4A2.7 2.7 0 0 0 8 8zM2.8 13.5c.7-2.5 2.6-3.7 5.2-3.7s4.5 1.2 5.2 3.7',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  close: 'M4 4l8 8M12 4l-8 8',
  copy: 'M5.5 5.5h7v8h-7zM3.5 10.5v-8h7',
  check: 'M3 8.5 6.5 12 13 4.5',
  down: 'M4 6l4 4 4-4',
  right: 'M6 4l4 4-4 4',
  left: 'M10 4 6 8l4 4',
  up: 'M4 10l4-4 4 4',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  filter: 'M2.5 3.5h11L9.5 8.5v4l-3-1.5V8.5z',
  lock: 'M4 7.5h8v6H4zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5',
  globe:
    'M8 13.7A5.7 5.7 0 1 0 8 2.3a5.7 5.7 0 0 0 0 11.4zM2.5 8h11M8 2.3c2 1.7 2 9.7 0 11.4M8 2.3c-2 1.7-2 9.7 0 11.4',
  file: 'M4 2.5h5l3 3v8H4zM9 2.5v3h3',
  folder: 'M2.5 4h4l1.2 1.5h5.8v7h-11z',
  download: 'M8 2.5v8M4.8 7.3 8 10.5l3.2-3.2M3 13.5h10',
  edit: 'M3 13l.7-2.8L10.5 3.5l2 2-6.7 6.8z',
  diff: 'M5 3v7M2.8 5.2h4.4M2.8 12.5h4.4M11 4v9M11 4l2 2M11 4 9 6',
  play: 'M5 3.5 12 8l-7 4.5z',
  pause: 'M5 3.5v9M11 3.5v9',
  undo: 'M3 6.5h6.5a3.5 3.5 0 0 1 0 7H6M3 6.5l3-3M3 6.5l3 3',
  sun: 'M8 10.8A2.8 2.8 0 1 0 8 5.2a2.8 2.8 0 0 0 0 5.6zM8 1.8v1.4M8 12.8v1.4M1.8 8h1.4M12.8 8h1.4M3.6 3.6l1 1M11.4 11.4l1 1M12.4 3.6l-1 1M4.6 11.4l-1 1',
  external: 'M6.5 3.5h-3v9h9v-3M9 3h4v4M13 3 7.5 8.5',
  link: 'M6.8 9.2a2.5 2.5 0 0 1 0-3.5l2-2a2.5 2.5 0 0 1 3.5 3.5l-1 1M9.2 6.8a2.5 2.5 0 0 1 0 3.5l-2 2a2.5 2.5 0 0 1-3.5-3.5l1-1',
  trash: 'M3 4.5h10M6 4.5v-2h4v2M4.3 4.5l.6 9h6.2l.6-9',
  warning: 'M8 2.5 14 13H2zM8 6.5v3M8 11h.01',
} as const;

export type IconName = keyof typeof paths;

/** An icon beside words, or inside a button that has a label: it says nothing by itself. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.4"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={paths[name]} />
    </svg>
  );
}
