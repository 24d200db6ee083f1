import { Button, PasswordInput, TextInput } from '@mantine/core';
import { sessionRoutes } from '@pantavisor/hub-api';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useRouter, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { hub } from '../hub/client.ts';
import { useAbout, viewerQuery } from '../hub/viewer.ts';
import { Failure } from '../show/messages.tsx';
import { sessionText } from '../text/index.ts';
import classes from './card.module.css';
import { Card, CardForm } from './card.tsx';
import { safeTarget } from './target.ts';

export function LoginPage() {
  const { next, error: refused } = useSearch({ from: '/login' });
  const about = useAbout();
  const router = useRouter();
  const queryClient = useQueryClient();
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const target = safeTarget(next, location.origin);
  const login = useMutation({
    mutationFn: () => hub.call(sessionRoutes.create, { body: { username, password } }),
    onSuccess: async (viewer) => {
      queryClient.clear();
      queryClient.setQueryData(viewerQuery.queryKey, viewer);
      router.history.push(target);
    },
  });
  const back = `${location.origin}/login?next=${encodeURIComponent(target)}`;
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
      <CardForm onSubmit={login.mutate} pending={login.isPending} error={login.error} action={sessionText.logIn}>
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
