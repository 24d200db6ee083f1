import { Button, Checkbox, Modal, TextInput } from '@mantine/core';
import {
  type AccessToken,
  type BaseScope,
  baseScopes,
  deviceRoutes,
  type JoinToken,
  scopeName,
  tokenRoutes,
} from '@pantavisor/hub-api';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useNotices } from '../frame/notices.tsx';
import { hub } from '../hub/client.ts';
import layout from '../look/layout.module.css';
import { Failure } from '../show/messages.tsx';
import { Scroll } from '../show/scroll.tsx';
import { CopyLine, When } from '../show/values.tsx';
import { accountText, frameText } from '../text/index.ts';

const offered = [
  'all',
  'devices',
  'devices.readonly',
  'trails',
  'trails.readonly',
  'objects',
  'objects.readonly',
  'profile.readonly',
] as const satisfies readonly BaseScope[];
const day = 86_400_000;
const nameOf = (scope: string) => scope.split('/').at(-1) ?? scope;

function NewToken({ onClose }: { onClose: () => void }) {
  const [form, setForm] = useState({ name: '', days: '365' });
  const [scopes, setScopes] = useState<readonly string[]>(['all']);
  const queryClient = useQueryClient();
  const make = useMutation({
    mutationFn: () =>
      hub.call(tokenRoutes.create, {
        body: {
          ...(form.name === '' ? {} : { name: form.name }),
          type: 'USER',
          scopes: scopes.map(scopeName),
          'expire-at': new Date(Date.now() + Number(form.days) * day).toISOString(),
        },
      }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ['tokens'] }),
  });
  return (
    <Modal opened onClose={onClose} title={accountText.makeToken}>
      {make.isSuccess ? (
        <div className={layout.secret}>
          <strong>{accountText.tokenOnce}</strong>
          <span>
            {accountText.name}: <code>{make.data.name}</code>
          </span>
          <CopyLine value={make.data.secret ?? ''} what={accountText.secret} />
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
            data-autofocus
            value={form.name}
            onChange={(event) => setForm({ ...form, name: event.currentTarget.value })}
          />
          <TextInput
            label={accountText.days}
            inputMode="numeric"
            pattern="[1-9]\d{0,3}"
            required
            value={form.days}
            onChange={(event) => setForm({ ...form, days: event.currentTarget.value })}
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
            {accountText.makeToken}
          </Button>
        </form>
      )}
    </Modal>
  );
}

function TokenRow({ token, onRevoke }: { token: AccessToken; onRevoke: () => void }) {
  return (
    <tr>
      <td>{token.name}</td>
      <td data-label={accountText.scopes}>{token.scopes.map(nameOf).join(', ')}</td>
      <td data-label={accountText.created}>
        <When time={token['time-created']} />
      </td>
      <td data-label={accountText.expires}>
        <When time={token['expire-at']} />
      </td>
      <td className={`${layout.number} ${layout.corner}`}>
        <Button size="compact-sm" variant="default" onClick={onRevoke}>
          {accountText.revoke}
        </Button>
      </td>
    </tr>
  );
}

function PersonalTokens() {
  const tokens = useQuery({
    queryKey: ['tokens'],
    queryFn: () => hub.call(tokenRoutes.list, { query: { 'page[size]': '500' } }),
  });
  const [making, setMaking] = useState(false);
  const queryClient = useQueryClient();
  const notices = useNotices();
  const revoke = useMutation({
    mutationFn: ({ id }: AccessToken) => hub.call(tokenRoutes.remove, { params: { id } }),
    onSuccess: (_answer, { name }) => {
      notices.done(accountText.revoked(name));
      return queryClient.invalidateQueries({ queryKey: ['tokens'] });
    },
    onError: notices.failed,
  });
  const live = tokens.data?.items.filter(({ deleted }) => !deleted) ?? [];
  return (
    <section className={layout.card}>
      <div className={layout.heading}>
        <h2>{accountText.tokensTitle}</h2>
        <Button className={layout.end ?? ''} size="compact-sm" onClick={() => setMaking(true)}>
          {accountText.makeToken}
        </Button>
      </div>
      <p className={layout.hint}>{accountText.tokensHint}</p>
      {tokens.isError && <Failure error={tokens.error} />}
      {tokens.isSuccess && live.length === 0 && <p className="soft">{accountText.noTokens}</p>}
      {live.length > 0 && (
        <Scroll label={accountText.tokensTitle}>
          <table className={`${layout.table} ${layout.stacked}`}>
            <thead>
              <tr>
                <th>{accountText.name}</th>
                <th>{accountText.scopes}</th>
                <th>{accountText.created}</th>
                <th>{accountText.expires}</th>
                <th>
                  <span className="visually-hidden">{accountText.revoke}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {live.map((token) => (
                <TokenRow key={token.id} token={token} onRevoke={() => revoke.mutate(token)} />
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {making && <NewToken onClose={() => setMaking(false)} />}
    </section>
  );
}

function JoinTokens() {
  const tokens = useQuery({ queryKey: ['join-tokens'], queryFn: () => hub.call(deviceRoutes.listTokens) });
  const [made, setMade] = useState<JoinToken>();
  const queryClient = useQueryClient();
  const notices = useNotices();
  const refresh = () => queryClient.invalidateQueries({ queryKey: ['join-tokens'] });
  const make = useMutation({
    mutationFn: () => hub.call(deviceRoutes.createToken, { body: {} }),
    onSuccess: (token) => {
      setMade(token);
      return refresh();
    },
    onError: notices.failed,
  });
  const disable = useMutation({
    mutationFn: ({ id }: JoinToken) => hub.call(deviceRoutes.removeToken, { params: { id } }),
    onSuccess: (_answer, { nick }) => {
      notices.done(accountText.revoked(nick));
      return refresh();
    },
    onError: notices.failed,
  });
  return (
    <section className={layout.card}>
      <div className={layout.heading}>
        <h2>{accountText.joinTitle}</h2>
        <Button className={layout.end ?? ''} size="compact-sm" onClick={() => make.mutate()} loading={make.isPending}>
          {accountText.makeToken}
        </Button>
      </div>
      <p className={layout.hint}>{accountText.joinHint}</p>
      {made !== undefined && (
        <div className={layout.secret}>
          <strong>{accountText.tokenOnce}</strong>
          <CopyLine value={made.token ?? ''} what={accountText.joinTitle} />
        </div>
      )}
      {tokens.isError && <Failure error={tokens.error} />}
      {tokens.data?.length === 0 && <p className="soft">{accountText.noJoin}</p>}
      {tokens.data !== undefined && tokens.data.length > 0 && (
        <table className={layout.table}>
          <tbody>
            {tokens.data.map((token) => (
              <tr key={token.id}>
                <td>{token.nick}</td>
                <td>
                  <When time={token['time-created']} />
                </td>
                <td className={layout.number}>
                  {token.disabled ? (
                    <span className="soft">{accountText.disabled}</span>
                  ) : (
                    <Button size="compact-sm" variant="default" onClick={() => disable.mutate(token)}>
                      {accountText.disable}
                    </Button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

/** What scripts and devices log in with. */
export function TokensPage() {
  return (
    <>
      <div className={layout.heading}>
        <h1>{frameText.tokens}</h1>
      </div>
      <div className={layout.stack}>
        <PersonalTokens />
        <JoinTokens />
      </div>
    </>
  );
}
