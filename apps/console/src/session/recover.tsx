import { PasswordInput, TextInput } from '@mantine/core';
import { authRoutes } from '@pantavisor/hub-api';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { hub } from '../hub/client.ts';
import { sessionText } from '../text/index.ts';
import { Card, CardForm } from './card.tsx';

const below = <Link to="/login">{sessionText.logIn}</Link>;

export function RecoverPage() {
  const [email, setEmail] = useState('');
  const recover = useMutation({ mutationFn: () => hub.call(authRoutes.recover, { body: { email } }) });
  return (
    <Card title={sessionText.recoverTitle} below={below}>
      {recover.isSuccess ? (
        <p role="status">{sessionText.recoverSent}</p>
      ) : (
        <CardForm
          onSubmit={recover.mutate}
          pending={recover.isPending}
          error={recover.error}
          action={sessionText.recover}
        >
          <TextInput
            label={sessionText.email}
            description={sessionText.recoverHint}
            type="email"
            autoComplete="email"
            required
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
          />
        </CardForm>
      )}
    </Card>
  );
}

/** The token of the mail is in the fragment, which browsers do not send; it leaves the address bar at once. */
function takeToken(): string {
  const token = new URLSearchParams(location.hash.slice(1)).get('token') ?? '';
  if (token !== '') history.replaceState(history.state, '', location.pathname);
  return token;
}

export function ResetPage() {
  const [token] = useState(takeToken);
  const [password, setPassword] = useState('');
  const reset = useMutation({ mutationFn: () => hub.call(authRoutes.password, { body: { token, password } }) });
  return (
    <Card title={sessionText.resetTitle} below={below}>
      {token === '' ? (
        <p>
          {sessionText.resetNoToken} <Link to="/recover">{sessionText.recoverTitle}</Link>
        </p>
      ) : reset.isSuccess ? (
        <p role="status">{sessionText.resetDone}</p>
      ) : (
        <CardForm onSubmit={reset.mutate} pending={reset.isPending} error={reset.error} action={sessionText.reset}>
          <PasswordInput
            label={sessionText.newPassword}
            description={sessionText.passwordHint}
            autoComplete="new-password"
            minLength={8}
            required
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
        </CardForm>
      )}
    </Card>
  );
}
