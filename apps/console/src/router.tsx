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
import { safeTarget } from './session/target.ts';

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

const personalPage = <const Path extends string>(
  path: Path,
  load: () => Promise<Record<string, unknown>>,
  name: string,
) =>
  createRoute({
    getParentRoute: () => personal,
    path,
    component: lazyRouteComponent(load as () => Promise<Record<string, () => React.ReactNode>>, name),
  });
const claim = createRoute({
  getParentRoute: () => personal,
  path: '/claim',
  validateSearch: texts('id', 'challenge'),
  component: lazyRouteComponent(() => import('./claim/page.tsx'), 'ClaimPage'),
});
const tokens = personalPage('/account/tokens', () => import('./account/tokens.tsx'), 'TokensPage');
const profile = personalPage('/account/profile', () => import('./account/profile.tsx'), 'ProfilePage');
const sessions = personalPage('/account/sessions', () => import('./account/sessions.tsx'), 'SessionsPage');
const apps = personalPage('/account/apps', () => import('./account/apps.tsx'), 'AppsOfAccountPage');
const globalMeta = personalPage('/settings/metadata', () => import('./account/global-meta.tsx'), 'GlobalMetaPage');
const market = createRoute({
  getParentRoute: () => personal,
  path: '/market',
  validateSearch: texts('source', 'rev', 'target'),
  component: lazyRouteComponent(() => import('./market/page.tsx'), 'MarketPage'),
});

const sessionPage = <const Path extends string, Search extends object>(
  path: Path,
  component: 'SignUpPage' | 'VerifyPage' | 'RecoverPage' | 'ResetPage',
  validateSearch: (search: Record<string, unknown>) => Search,
) =>
  createRoute({
    getParentRoute: () => root,
    path,
    validateSearch,
    component: lazyRouteComponent(() => import('./session/pages.ts'), component),
  });
const loginSearch = texts('next', 'error', 'begun');
const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: loginSearch,
  // Whoever comes back from an identity provider, or logged in elsewhere in this browser, goes on. Asked again: a session ends.
  beforeLoad: async ({ context, search }) => {
    const viewer = await context.queryClient.fetchQuery({ ...viewerQuery, staleTime: 0 });
    if (isLoggedIn(viewer)) throw redirect({ href: safeTarget(search.next, location.origin) });
  },
  component: lazyRouteComponent(() => import('./session/pages.ts'), 'LoginPage'),
});
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
  validateSearch: texts('q', 'sort', 'source'),
  component: lazyRouteComponent(() => import('./fleet/page.tsx'), 'FleetPage'),
});
const person = createRoute({
  getParentRoute: () => framed,
  path: '/u/$user',
  beforeLoad: ({ params }) => {
    throw redirect({ to: '/u/$user/devices', params });
  },
});

const device = createRoute({
  getParentRoute: () => framed,
  path: '/u/$user/devices/$device',
  component: lazyRouteComponent(() => import('./device/layout.tsx'), 'DeviceLayout'),
});
const tab = <const Path extends string, Search extends object>(
  path: Path,
  validateSearch: (search: Record<string, unknown>) => Search,
  load: () => Promise<Record<string, unknown>>,
  name: string,
) =>
  createRoute({
    getParentRoute: () => device,
    path,
    validateSearch,
    component: lazyRouteComponent(load as () => Promise<Record<string, () => React.ReactNode>>, name),
  });
const tabs = [
  tab('/', texts('rev'), () => import('./device/summary.tsx'), 'SummaryPage'),
  tab('/apps', texts('rev'), () => import('./device/apps.tsx'), 'AppsPage'),
  tab('/files', texts('rev', 'find'), () => import('./device/files.tsx'), 'FilesPage'),
  tab('/state', texts('rev'), () => import('./device/state.tsx'), 'StatePage'),
  tab('/metadata', texts(), () => import('./device/metadata.tsx'), 'MetadataPage'),
  tab('/revisions', texts('rev'), () => import('./device/revisions.tsx'), 'RevisionsPage'),
  tab('/diff', texts('from', 'to', 'other'), () => import('./diff/page.tsx'), 'DiffPage'),
  tab('/logs', texts('lvl', 'plat', 'rev', 'text', 'src', 'line'), () => import('./logs/page.tsx'), 'LogsPage'),
  tab('/edit', texts('rev', 'file'), () => import('./editor/page.tsx'), 'EditorPage'),
] as const;

const tree = root.addChildren([
  framed.addChildren([
    personal.addChildren([overview, claim, tokens, profile, sessions, apps, globalMeta, market]),
    fleet,
    person,
    device.addChildren(tabs),
  ]),
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
