import { Button } from '@mantine/core';
import { authRoutes, sessionRoutes } from '@pantavisor/hub-api';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useNotices } from '../frame/notices.tsx';
import { hub } from '../hub/client.ts';
import { viewerQuery } from '../hub/viewer.ts';
import layout from '../look/layout.module.css';
import { Failure } from '../show/messages.tsx';
import { Scroll } from '../show/scroll.tsx';
import { When } from '../show/values.tsx';
import { accountText } from '../text/index.ts';

/** Browser and system of a User-Agent, as far as a person wants to know. */
export function nameOfAgent(agent: string): string {
  const browser = /(Firefox|Edg|OPR|HeadlessChrome|Chrome|Safari)\/(\d+)/.exec(agent);
  const system = /(Windows|Mac OS X|Android|iPhone|iPad|Linux|CrOS)/.exec(agent)?.[1] ?? '';
  const names: Record<string, string> = { Edg: 'Edge', OPR: 'Opera', HeadlessChrome: 'Chrome' };
  const name = browser?.[1] ?? '';
  return browser === null ? agent.slice(0, 60) : `${names[name] ?? name} ${browser[2]} ${system}`.trim();
}

/** Browsers that are logged in; each can be logged out from here. */
export function SessionsPage() {
  const sessions = useQuery({ queryKey: ['sessions'], queryFn: () => hub.call(sessionRoutes.list) });
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const notices = useNotices();
  const end = useMutation({
    mutationFn: (id: string) => hub.call(sessionRoutes.remove, { params: { id } }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ['sessions'] }),
    onError: notices.failed,
  });
  const endAll = useMutation({
    mutationFn: async () => {
      await hub.call(authRoutes.logout, { body: undefined as never });
      queryClient.clear();
      await queryClient.fetchQuery(viewerQuery);
      await navigate({ to: '/login' });
    },
    onError: notices.failed,
  });
  return (
    <>
      <div className={layout.heading}>
        <h1>{accountText.sessionsTitle}</h1>
      </div>
      <section className={layout.card}>
        <p className={layout.hint}>{accountText.sessionsHint}</p>
        {sessions.isError && <Failure error={sessions.error} />}
        <Scroll label={accountText.sessionsTitle}>
          <table className={`${layout.table} ${layout.stacked}`}>
            <thead>
              <tr>
                <th>{accountText.browser}</th>
                <th>{accountText.address}</th>
                <th>{accountText.created}</th>
                <th>{accountText.lastSeen}</th>
                <th>
                  <span className="visually-hidden">{accountText.end}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {sessions.data?.map((session) => (
                <tr key={session.id}>
                  <td title={session.agent}>
                    <strong>{nameOfAgent(session.agent)}</strong>
                  </td>
                  <td data-label={accountText.address}>{session.address}</td>
                  <td data-label={accountText.created}>
                    <When time={session['time-created']} />
                  </td>
                  <td data-label={accountText.lastSeen}>
                    <When time={session['last-seen']} />
                  </td>
                  <td className={`${layout.number} ${layout.corner}`}>
                    {session.current ? (
                      <span className="soft">{accountText.current}</span>
                    ) : (
                      <Button size="compact-sm" variant="default" onClick={() => end.mutate(session.id)}>
                        {accountText.end}
                      </Button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
        <p className={`${layout.hint} ${layout.add}`}>{accountText.endAllHint}</p>
        <Button color="red" variant="light" onClick={() => endAll.mutate()} loading={endAll.isPending}>
          {accountText.endAll}
        </Button>
      </section>
    </>
  );
}
