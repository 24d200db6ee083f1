import { Button, PasswordInput, TextInput } from '@mantine/core';
import { sessionRoutes } from '@pantavisor/hub-api';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useRouter, useSearch } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { hub } from '../hub/client.ts';
import { useAbout, viewerQuery } from '../hub/viewer.ts';
import { Failure } from '../show/messages.tsx';
import { sessionText } from '../text/index.ts';
import classes from './card.module.css';
import { Card, CardForm } from './card.tsx';
import { safeTarget } from './target.ts';

/** What this tab remembers of a sign-in elsewhere that it began: nobody can be logged in by a link that somebody else made. */
const markKey = 'sign-in';
const makeMark = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');

/** The token with which a sign-in elsewhere comes back; it leaves the address bar at once. */
function takeToken(): string {
  const token = new URLSearchParams(location.hash.slice(1)).get('token') ?? '';
  if (token !== '') history.replaceState(history.state, '', location.pathname + location.search);
  return token;
}

export function LoginPage() {
  const { next, error: refused, begun } = useSearch({ from: '/login' });
  const about = useAbout();
  const router = useRouter();
  const queryClient = useQueryClient();
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const target = safeTarget(next, location.origin);
  const login = useMutation({
    mutationFn: (token: string | undefined) =>
      hub.call(sessionRoutes.create, { body: token === undefined ? { username, password } : { token } }),
    onSuccess: async (viewer) => {
      queryClient.clear();
      queryClient.setQueryData(viewerQuery.queryKey, viewer);
      router.history.push(target);
    },
  });
  const [mark] = useState(makeMark);
  const back = `${location.origin}/login?${new URLSearchParams({ next: target, begun: mark })}`;
  const [token] = useState(takeToken);
  const [strange] = useState(() => token !== '' && (begun === undefined || begun !== sessionStorage.getItem(markKey)));
  const { mutate } = login;
  useEffect(() => {
    if (token === '' || strange) return;
    sessionStorage.removeItem(markKey);
    mutate(token);
  }, [token, strange, mutate]);
  return (
    <Card
      title={sessionText.logInTitle}
      below={
        about?.['sign-up'] === 'closed' ? undefined : (
          <>
            {sessionText.noAccount} <Link to="/signup">{sessionText.signUp}</Link>
          </>
        )
      }
    >
      {refused !== undefined && <Failure error={new Error(refused)} />}
      {strange && <Failure error={new Error(sessionText.strangeSignIn)} />}
      <CardForm
        onSubmit={() => login.mutate(undefined)}
        pending={login.isPending}
        error={login.error}
        action={sessionText.logIn}
      >
        <TextInput
          label={sessionText.name}
          value={username}
          onChange={(event) => setUsername(event.currentTarget.value)}
          autoComplete="username"
          name="username"
          required
          data-autofocus
          autoFocus
        />
        <PasswordInput
          label={sessionText.password}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          autoComplete="current-password"
          name="password"
          required
        />
        <div className={classes.links}>
          <Link to="/recover">{sessionText.forgot}</Link>
        </div>
      </CardForm>
      {(about?.providers.length ?? 0) > 0 && (
        <div className={classes.providers}>
          {about?.providers.map((provider) => (
            <Button
              key={provider}
              component="a"
              variant="default"
              onClick={() => sessionStorage.setItem(markKey, mark)}
              href={`/auth/oauth/login/${provider}?redirect_uri=${encodeURIComponent(back)}`}
            >
              {sessionText.signInWith(sessionText.providers[provider] ?? provider)}
            </Button>
          ))}
        </div>
      )}
    </Card>
  );
}
