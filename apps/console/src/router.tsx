import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  type ErrorComponentProps,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import { Shell } from './frame/shell.tsx';
import { LoadFailure, Loading, NotFound } from './frame/states.tsx';
import { isLoggedIn, viewerQuery } from './hub/viewer.ts';

interface Context {
  queryClient: QueryClient;
}

const text = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
/** Members of a search that are texts; empty ones stay out of the address. */
export function texts<const Names extends readonly string[]>(...names: Names) {
  return (search: Record<string, unknown>): { [K in Names[number]]?: string } => {
    const found = names.map((name) => [name, text(search[name])]).filter(([, value]) => value !== '');
    return Object.fromEntries(found) as { [K in Names[number]]?: string };
  };
}

const root = createRootRouteWithContext<Context>()({
  beforeLoad: ({ context }) => context.queryClient.ensureQueryData(viewerQuery),
  component: Outlet,
});

/** Screens with the frame around them, for everybody. */
const framed = createRoute({ getParentRoute: () => root, id: 'framed', component: Shell });

/** Screens of whoever is logged in; others are sent to log in, and come back after it. */
const personal = createRoute({
  getParentRoute: () => framed,
  id: 'personal',
  beforeLoad: async ({ context, location }) => {
    const viewer = await context.queryClient.ensureQueryData(viewerQuery);
    if (!isLoggedIn(viewer)) throw redirect({ to: '/login', search: { next: location.href } });
  },
  component: Outlet,
});

const overview = createRoute({
  getParentRoute: () => personal,
  path: '/',
  component: lazyRouteComponent(() => import('./overview/page.tsx'), 'OverviewPage'),
});

const sessionPage = <const Path extends string, Search extends object>(
  path: Path,
  component: 'LoginPage' | 'SignUpPage' | 'VerifyPage' | 'RecoverPage' | 'ResetPage',
  validateSearch: (search: Record<string, unknown>) => Search,
) =>
  createRoute({
    getParentRoute: () => root,
    path,
    validateSearch,
    component: lazyRouteComponent(() => import('./session/pages.ts'), component),
  });
const login = sessionPage('/login', 'LoginPage', texts('next', 'error'));
const signup = sessionPage('/signup', 'SignUpPage', texts('invitation'));
const verify = sessionPage('/verify', 'VerifyPage', texts('id', 'challenge'));
const recover = sessionPage('/recover', 'RecoverPage', texts());
const reset = sessionPage('/reset_password', 'ResetPage', texts());

const consentSearch = texts('client_id', 'redirect_uri', 'scope', 'state', 'response_type', 'auth_code', 'service');
const consent = createRoute({
  getParentRoute: () => root,
  path: '/oauth2/authorize',
  validateSearch: consentSearch,
  beforeLoad: async ({ context, location }) => {
    const viewer = await context.queryClient.ensureQueryData(viewerQuery);
    if (!isLoggedIn(viewer)) throw redirect({ to: '/login', search: { next: location.href } });
  },
  component: lazyRouteComponent(() => import('./session/consent.tsx'), 'ConsentPage'),
});

const fleet = createRoute({
  getParentRoute: () => framed,
  path: '/u/$user/devices',
  validateSearch: texts('q', 'sort'),
  component: lazyRouteComponent(() => import('./fleet/page.tsx'), 'FleetPage'),
});
const person = createRoute({
  getParentRoute: () => framed,
  path: '/u/$user',
  beforeLoad: ({ params }) => {
    throw redirect({ to: '/u/$user/devices', params });
  },
});

const tree = root.addChildren([
  framed.addChildren([personal.addChildren([overview]), fleet, person]),
  login,
  signup,
  verify,
  recover,
  reset,
  consent,
]);

function RouteFailure({ error, reset: again }: ErrorComponentProps) {
  return <LoadFailure error={error} onRetry={again} />;
}

/** The screens by address. The address is the state of a screen: filters, tab, revision, file, query of the log. */
export function makeRouter(queryClient: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { queryClient },
    defaultPreload: 'intent',
    defaultPendingMs: 300,
    defaultPendingComponent: Loading,
    defaultErrorComponent: RouteFailure,
    defaultNotFoundComponent: NotFound,
    scrollRestoration: true,
    // Values of a search are texts in the address, not JSON: people write and share them.
    parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
    stringifySearch: (search) => {
      const entries = Object.entries(search).filter(([, value]) => value !== undefined && value !== '');
      const line = new URLSearchParams(entries.map(([name, value]) => [name, String(value)])).toString();
      return line === '' ? '' : `?${line}`;
    },
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
