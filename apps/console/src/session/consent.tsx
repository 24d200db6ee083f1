import { Button } from '@mantine/core';
import { appRoutes, authRoutes, type BaseScope, baseScopes, baseService } from '@pantavisor/hub-api';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { Loading } from '../frame/states.tsx';
import { hub } from '../hub/client.ts';
import { useViewer } from '../hub/viewer.ts';
import { Failure } from '../show/messages.tsx';
import { sessionText } from '../text/index.ts';
import classes from './card.module.css';
import { Card } from './card.tsx';

const describe = (name: string): string => {
  const id = name.startsWith(`${baseService}/`) ? name.slice(baseService.length + 1) : name;
  return Object.hasOwn(baseScopes, id) ? baseScopes[id as BaseScope] : name;
};

/** Sends the browser on with what the hub answered. Addresses that run scripts are never followed. */
function leave(address: string): void {
  if (URL.canParse(address) && !/^(javascript|data|vbscript|blob):/i.test(address)) location.assign(address);
}

/** Asks whether an application may act for the person that is logged in (hub-api §4.4, RFC 6749 §4.1.1). */
export function ConsentPage() {
  const search = useSearch({ from: '/oauth2/authorize' });
  const viewer = useViewer();
  const service = search.client_id ?? search.service ?? '';
  const redirect = search.redirect_uri ?? '';
  const usable = service !== '' && URL.canParse(redirect);
  const app = useQuery({
    queryKey: ['app', service],
    queryFn: () => hub.call(appRoutes.get, { params: { id: service } }),
    enabled: usable,
    retry: false,
  });
  const answer = useMutation({
    mutationFn: async () => {
      const body = {
        service,
        redirect_uri: redirect,
        ...(search.scope === undefined ? {} : { scopes: search.scope }),
        ...(search.state === undefined ? {} : { state: search.state }),
        response_type: search.response_type ?? 'code',
      };
      const implicit = search.response_type === 'token';
      const granted = implicit
        ? await hub.call(authRoutes.authorize, { body })
        : await hub.call(authRoutes.code, { body });
      leave(granted.redirect_uri);
    },
  });
  if (!usable)
    return (
      <Card title={sessionText.consentTitle(service)}>
        <p>{sessionText.consentBroken}</p>
      </Card>
    );
  if (app.isPending)
    return (
      <Card title={sessionText.consentTitle(service)}>
        <Loading />
      </Card>
    );
  const target = new URL(redirect);
  const name = app.data?.name || app.data?.nick || service;
  const wanted = (search.scope ?? '').split(/[ ,]+/).filter((scope) => scope !== '' && scope !== '*');
  const offered = (app.data?.scopes ?? []).map(({ id, service: of }) => `${of}/${id}`);
  const scopes = wanted.length > 0 ? wanted : offered.length > 0 ? offered : ['all'];
  const deny = () => {
    target.searchParams.set('error', 'access_denied');
    if (search.state !== undefined) target.searchParams.set('state', search.state);
    leave(target.href);
  };
  return (
    <Card title={sessionText.consentTitle(name)} below={sessionText.consentAs(viewer.nick)}>
      <p>{sessionText.consentWhat}</p>
      <ul className={classes.scopes}>
        {scopes.map((scope) => (
          <li key={scope}>{describe(scope)}</li>
        ))}
      </ul>
      <p>{sessionText.consentWhere(target.host)}</p>
      <p className="soft">{sessionText.consentUnverified}</p>
      {answer.isError && <Failure error={answer.error} />}
      <div className={classes.row}>
        <Button onClick={() => answer.mutate()} loading={answer.isPending}>
          {sessionText.allow}
        </Button>
        <Button variant="default" onClick={deny}>
          {sessionText.deny}
        </Button>
      </div>
    </Card>
  );
}
