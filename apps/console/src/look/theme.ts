import { createTheme, type MantineColorsTuple } from '@mantine/core';

const petrol: MantineColorsTuple = [
  '#e2f1f3',
  '#c9e5e9',
  '#9ed0d8',
  '#6fb8c4',
  '#48a2b1',
  '#2b8c9c',
  '#17798a',
  '#0f6b78',
  '#0b5863',
  '#07444d',
];

/** The greys of the dark scheme, as tinted as the papers of tokens.css. */
const slate: MantineColorsTuple = [
  '#e6eaed',
  '#c3ccd2',
  '#9dabb5',
  '#6c7a84',
  '#45525b',
  '#323d44',
  '#1f272c',
  '#1b2226',
  '#14191d',
  '#0f1316',
];

/** Dense and calm: small controls, the system's font, little rounding, the colours of tokens.css. */
export const theme = createTheme({
  primaryColor: 'petrol',
  primaryShade: { light: 7, dark: 6 },
  colors: { petrol, dark: slate },
  defaultRadius: 4,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif',
  fontFamilyMonospace: 'var(--mono)',
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '19px' },
  headings: {
    fontWeight: '600',
    sizes: { h1: { fontSize: '20px' }, h2: { fontSize: '16px' }, h3: { fontSize: '14px' } },
  },
  respectReducedMotion: true,
  cursorType: 'pointer',
  components: {
    Button: { defaultProps: { size: 'sm' } },
    TextInput: { defaultProps: { size: 'sm' } },
    PasswordInput: { defaultProps: { size: 'sm' } },
    Modal: {
      defaultProps: { centered: true, transitionProps: { duration: 120 }, closeButtonProps: { 'aria-label': 'Close' } },
    },
    Menu: { defaultProps: { transitionProps: { duration: 100 } } },
    Tooltip: { defaultProps: { transitionProps: { duration: 100 } } },
  },
});
