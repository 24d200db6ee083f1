import { Button, Checkbox, Modal, Select, Textarea, TextInput } from '@mantine/core';
import { type App, appRoutes, type BaseScope, baseScopes, baseService } from '@pantavisor/hub-api';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useNotices } from '../frame/notices.tsx';
import { hub } from '../hub/client.ts';
import layout from '../look/layout.module.css';
import { Failure } from '../show/messages.tsx';
import { Scroll } from '../show/scroll.tsx';
import { Copy, CopyLine, When } from '../show/values.tsx';
import { accountText, frameText } from '../text/index.ts';

const offered = [
  'all',
  'devices',
  'devices.readonly',
  'trails',
  'trails.readonly',
  'objects.readonly',
  'profile.readonly',
  'user.readonly',
] as const satisfies readonly BaseScope[];
const types = Object.entries(accountText.appTypes).map(([value, label]) => ({ value, label }));

function NewApp({ onClose }: { onClose: () => void }) {
  const [form, setForm] = useState({ name: '', type: 'confidential', redirects: '' });
  const [scopes, setScopes] = useState<readonly string[]>(['devices.readonly']);
  const queryClient = useQueryClient();
  const make = useMutation({
    mutationFn: () =>
      hub.call(appRoutes.create, {
        body: {
          name: form.name,
          nick: form.name,
          type: form.type,
          redirect_uris: form.redirects.split(/\s+/).filter((line) => line !== ''),
          scopes: scopes.map((id) => ({ id, service: baseService, description: baseScopes[id as BaseScope] })),
        },
      }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ['apps'] }),
  });
  return (
    <Modal opened onClose={onClose} title={accountText.makeApp}>
      {make.isSuccess ? (
        <div className={layout.secret}>
          <CopyLine value={make.data.prn} what="prn" />
          {make.data.secret !== undefined && (
            <>
              <strong>{accountText.appSecretOnce}</strong>
              <CopyLine value={make.data.secret} what={accountText.secret} />
            </>
          )}
        </div>
      ) : (
        <form
          className={layout.form}
          onSubmit={(event) => {
            event.preventDefault();
            make.mutate();
          }}
        >
          <TextInput
            label={accountText.name}
            required
            data-autofocus
            value={form.name}
            onChange={(event) => setForm({ ...form, name: event.currentTarget.value })}
          />
          <Select
            label={accountText.appType}
            data={types}
            value={form.type}
            allowDeselect={false}
            onChange={(type) => setForm({ ...form, type: type ?? 'confidential' })}
          />
          <Textarea
            label={accountText.redirects}
            required
            autosize
            minRows={2}
            value={form.redirects}
            onChange={(event) => setForm({ ...form, redirects: event.currentTarget.value })}
          />
          <Checkbox.Group label={accountText.scopes} value={[...scopes]} onChange={setScopes}>
            <div className={layout.form}>
              {offered.map((scope) => (
                <Checkbox key={scope} size="xs" value={scope} label={baseScopes[scope]} />
              ))}
            </div>
          </Checkbox.Group>
          {make.isError && <Failure error={make.error} />}
          <Button type="submit" loading={make.isPending} disabled={scopes.length === 0}>
            {accountText.makeApp}
          </Button>
        </form>
      )}
    </Modal>
  );
}

/** Programs of the viewer that ask others to act for them. */
export function AppsOfAccountPage() {
  const apps = useQuery({ queryKey: ['apps'], queryFn: () => hub.call(appRoutes.list) });
  const [making, setMaking] = useState(false);
  const queryClient = useQueryClient();
  const notices = useNotices();
  const remove = useMutation({
    mutationFn: ({ id }: App) => hub.call(appRoutes.remove, { params: { id } }),
    onSuccess: (_answer, { name }) => {
      notices.done(accountText.removed(name));
      return queryClient.invalidateQueries({ queryKey: ['apps'] });
    },
    onError: notices.failed,
  });
  return (
    <>
      <div className={layout.heading}>
        <h1>{accountText.appsTitle}</h1>
        <Button className={layout.end ?? ''} size="compact-sm" onClick={() => setMaking(true)}>
          {accountText.makeApp}
        </Button>
      </div>
      <section className={layout.card}>
        <p className={layout.hint}>{accountText.appsHint}</p>
        {apps.isError && <Failure error={apps.error} />}
        {apps.data?.length === 0 && <p className="soft">{accountText.noApps}</p>}
        {apps.data !== undefined && apps.data.length > 0 && (
          <Scroll label={accountText.appsTitle}>
            <table className={`${layout.table} ${layout.stacked}`}>
              <thead>
                <tr>
                  <th>{accountText.name}</th>
                  <th>{accountText.clientId}</th>
                  <th>{accountText.appType}</th>
                  <th>{accountText.created}</th>
                  <th>
                    <span className="visually-hidden">{frameText.remove}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {apps.data.map((app) => (
                  <tr key={app.id}>
                    <td>
                      <strong>{app.name || app.nick}</strong>
                    </td>
                    <td className={layout.long} data-label={accountText.clientId}>
                      <span>
                        <span className="mono">{app.prn}</span> <Copy value={app.prn} what={accountText.clientId} />
                      </span>
                    </td>
                    <td data-label={accountText.appType}>{app.type}</td>
                    <td data-label={accountText.created}>
                      <When time={app['time-created']} />
                    </td>
                    <td className={`${layout.number} ${layout.corner}`}>
                      <Button size="compact-sm" variant="default" onClick={() => remove.mutate(app)}>
                        {frameText.remove}
                      </Button>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        )}
      </section>
      {making && <NewApp onClose={() => setMaking(false)} />}
    </>
  );
}
