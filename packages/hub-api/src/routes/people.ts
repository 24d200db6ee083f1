import Type from 'typebox';
import { define } from '../route.ts';
import { accepts } from '../scopes.ts';
import { AccessToken, App, AppScope, Dash, JsonMap, Profile, Subscription } from '../shapes.ts';

const text = Type.String();
const opt = Type.Optional;
const USER = ['USER'] as const;

const NewApp = Type.Object({
  name: opt(text),
  logo: opt(text),
  type: opt(text),
  nick: opt(text),
  redirect_uris: opt(Type.Array(text)),
  scopes: opt(Type.Array(Type.Partial(AppScope))),
  exposed_scopes: opt(Type.Array(Type.Partial(AppScope))),
});
const all = { access: 'token', scopes: accepts.everything } as const;

/** `/apps`: third-party applications (hub-api §10). */
export const appRoutes = {
  scopes: define({
    id: 'apps.scopes',
    method: 'GET',
    path: '/apps/scopes',
    summary: 'Every scope one may ask for',
    access: 'open',
    query: Type.Object({ serviceID: opt(text) }),
    response: Type.Array(AppScope),
  }),
  create: define({
    ...all,
    id: 'apps.create',
    method: 'POST',
    path: '/apps/',
    callers: USER,
    summary: 'Register an application',
    body: NewApp,
    response: App,
  }),
  list: define({
    ...all,
    id: 'apps.list',
    method: 'GET',
    path: '/apps/',
    callers: USER,
    summary: 'Applications of the caller',
    query: Type.Object({ serviceID: opt(text) }),
    response: Type.Array(App),
  }),
  get: define({
    ...all,
    id: 'apps.get',
    method: 'GET',
    path: '/apps/:id',
    summary: 'One application; foreign ones without their secrets',
    response: App,
  }),
  put: define({
    ...all,
    id: 'apps.put',
    method: 'PUT',
    path: '/apps/:id',
    callers: USER,
    summary: 'Change an application',
    body: NewApp,
    response: App,
  }),
  remove: define({
    ...all,
    id: 'apps.remove',
    method: 'DELETE',
    path: '/apps/:id',
    callers: USER,
    summary: 'Delete an application; its tokens stop working',
    response: App,
  }),
};

const ProfileChange = Type.Partial(Type.Omit(Profile, ['nick', 'email', 'meta', 'time-created', 'time-modified']));

/** `/profiles` (hub-api §11). */
export const profileRoutes = {
  list: define({
    id: 'profiles.list',
    method: 'GET',
    path: '/profiles/',
    summary: 'People who share devices, and the caller',
    access: 'token',
    callers: USER,
    scopes: accepts.profile.read,
    query: Type.Object({ nick: opt(text), limit: opt(text), page: opt(text) }),
    response: Type.Array(Profile),
  }),
  get: define({
    id: 'profiles.get',
    method: 'GET',
    path: '/profiles/:nick',
    summary: 'One profile',
    access: 'token',
    callers: USER,
    scopes: accepts.profile.read,
    response: Profile,
  }),
  put: define({
    id: 'profiles.put',
    method: 'PUT',
    path: '/profiles/',
    summary: 'Change the own profile',
    access: 'token',
    callers: USER,
    scopes: accepts.profile.write,
    body: ProfileChange,
    response: Profile,
    bodyLimit: 2 * 1024 * 1024,
  }),
  getMeta: define({
    id: 'profiles.getMeta',
    method: 'GET',
    path: '/profiles/config/meta',
    summary: 'Metadata for all devices of the caller',
    access: 'token',
    scopes: accepts.profile.read,
    response: JsonMap,
  }),
  putMeta: define({
    id: 'profiles.putMeta',
    method: 'PUT',
    path: '/profiles/config/meta',
    summary: 'Replace the metadata for all devices of the caller',
    access: 'token',
    callers: ['USER', 'SESSION'],
    scopes: accepts.profile.read,
    body: JsonMap,
    response: JsonMap,
  }),
};

const NewAccessToken = Type.Object({
  name: opt(text),
  type: opt(text),
  scopes: opt(Type.Array(text)),
  'expire-at': opt(text),
});

/** `/tokens`: personal access tokens (hub-api §9). */
export const tokenRoutes = {
  create: define({
    ...all,
    id: 'tokens.create',
    method: 'POST',
    path: '/tokens/',
    callers: USER,
    summary: 'Make a personal access token; its secret is shown once',
    body: NewAccessToken,
    bodyOptional: true,
    response: AccessToken,
  }),
  list: define({
    ...all,
    id: 'tokens.list',
    method: 'GET',
    path: '/tokens/',
    summary: 'Personal access tokens of the caller',
    query: Type.Object({ 'page[size]': opt(text), 'page[offset]': opt(text), sort_by: opt(text) }),
    response: Type.Object({
      resource: text,
      page_size: Type.Integer(),
      page_offset: Type.Integer(),
      current_page: Type.Integer(),
      total: Type.Integer(),
      next: text,
      prev: text,
      items: Type.Array(AccessToken),
    }),
  }),
  get: define({
    ...all,
    id: 'tokens.get',
    method: 'GET',
    path: '/tokens/:id',
    callers: USER,
    summary: 'One personal access token',
    response: AccessToken,
  }),
  remove: define({
    ...all,
    id: 'tokens.remove',
    method: 'DELETE',
    path: '/tokens/:id',
    callers: USER,
    summary: 'Revoke a personal access token',
    response: Type.Object({ success: Type.Boolean() }),
  }),
};

/** `/dash` and `/subscriptions`: plans, what they allow and what is used (hub-api §12, §13). */
export const planRoutes = {
  dash: define({
    id: 'dash.get',
    personal: true,
    method: 'GET',
    path: '/dash/',
    summary: 'Plan, quotas and the five devices that changed last',
    access: 'token',
    scopes: accepts.devices.read,
    response: Dash,
  }),
  list: define({
    id: 'subscriptions.list',
    method: 'GET',
    path: '/subscriptions/',
    summary: 'Subscriptions of the caller',
    access: 'token',
    scopes: accepts.user.read,
    response: Type.Object({
      Start: Type.Integer(),
      Page: Type.Integer(),
      Size: Type.Integer(),
      Subs: Type.Array(Subscription),
    }),
  }),
  set: define({
    id: 'subscriptions.set',
    method: 'PUT',
    path: '/subscriptions/admin/subscription',
    summary: 'Give somebody a plan (administrators)',
    access: 'token',
    scopes: accepts.everything,
    body: Type.Object({ subject: text, plan: text, attrs: opt(Type.Record(Type.String(), text)) }),
    response: Subscription,
  }),
};
