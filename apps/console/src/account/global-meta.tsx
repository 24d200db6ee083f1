import { profileRoutes } from '@pantavisor/hub-api';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { MetaEditor } from '../device/metadata.tsx';
import { useNotices } from '../frame/notices.tsx';
import { LoadFailure, Loading } from '../frame/states.tsx';
import { hub } from '../hub/client.ts';
import layout from '../look/layout.module.css';
import { accountText, deviceText, frameText } from '../text/index.ts';

const none = new Set<string>();

/** Settings that concern all devices of the viewer. */
export function GlobalMetaPage() {
  const queryClient = useQueryClient();
  const notices = useNotices();
  const meta = useQuery({ queryKey: ['global-meta'], queryFn: () => hub.call(profileRoutes.getMeta) });
  const put = useMutation({
    mutationFn: async (change: (old: Record<string, unknown>) => Record<string, unknown>) =>
      hub.call(profileRoutes.putMeta, { body: change(await hub.call(profileRoutes.getMeta)) }),
    onSuccess: () => {
      notices.done(accountText.saved);
      return queryClient.invalidateQueries({ queryKey: ['global-meta'] });
    },
    onError: notices.failed,
  });
  if (meta.isError) return <LoadFailure error={meta.error} />;
  if (meta.data === undefined) return <Loading />;
  return (
    <>
      <div className={layout.heading}>
        <h1>{frameText.settings}</h1>
      </div>
      <div className={layout.stack}>
        <section className={layout.card} aria-label={deviceText.meta.user}>
          <h2>{accountText.metaTitle}</h2>
          <p className={layout.hint}>{accountText.metaHint}</p>
          <MetaEditor
            values={meta.data}
            inherited={none}
            pending={put.isPending}
            onSet={(key, value) => put.mutate((old) => ({ ...old, [key]: value }))}
            onRemove={(key) =>
              put.mutate((old) => Object.fromEntries(Object.entries(old).filter(([name]) => name !== key)))
            }
          />
        </section>
        <section className={layout.card}>
          <h2>{frameText.account}</h2>
          <ul className={`${layout.list} ${layout.links}`}>
            <li>
              <Link to="/account/profile">{frameText.profile}</Link>
            </li>
            <li>
              <Link to="/account/sessions">{frameText.sessions}</Link>
            </li>
            <li>
              <Link to="/account/apps">{frameText.oauthApps}</Link>
            </li>
            <li>
              <a href="/swagger/">{frameText.apiReference}</a>
            </li>
          </ul>
        </section>
      </div>
    </>
  );
}
