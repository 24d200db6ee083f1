import { MantineProvider } from '@mantine/core';
import './look/mantine.css.ts';
import './look/tokens.css';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { NoticeProvider } from './frame/notices.tsx';
import { makeQueryClient } from './hub/query-client.ts';
import { theme } from './look/theme.ts';
import { makeRouter } from './router.tsx';

const queryClient = makeQueryClient();
const router = makeRouter(queryClient);
const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.nonce ?? '';
// What keeps the page still behind a dialog writes a style element, and looks here for the nonce it needs.
(window as { __webpack_nonce__?: string }).__webpack_nonce__ = nonce;

createRoot(document.getElementById('console') as HTMLElement).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <QueryClientProvider client={queryClient}>
        <NoticeProvider>
          <RouterProvider router={router} />
        </NoticeProvider>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
