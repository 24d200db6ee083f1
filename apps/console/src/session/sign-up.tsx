import { PasswordInput, TextInput } from '@mantine/core';
import { authRoutes, captchaPage } from '@pantavisor/hub-api';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { Loading } from '../frame/states.tsx';
import { hub } from '../hub/client.ts';
import { useAbout } from '../hub/viewer.ts';
import { Failure } from '../show/messages.tsx';
import { sessionText } from '../text/index.ts';
import { Card, CardForm } from './card.tsx';

const below = (
  <>
    {sessionText.haveAccount} <Link to="/login">{sessionText.logIn}</Link>
  </>
);

/** Goes on in the page that may show a captcha; a document of its own, so the browser has to load it. */
const toCaptcha = (sealed: string) => location.assign(`${captchaPage}#account=${sealed}`);

export function SignUpPage() {
  const search = useSearch({ from: '/signup' });
  const about = useAbout();
  const [wish, setWish] = useState({ email: '', nick: '', password: '', invitation: search.invitation ?? '' });
  const field = (name: keyof typeof wish) => ({
    value: wish[name],
    name,
    onChange: (event: React.ChangeEvent<HTMLInputElement>) => {
      const { value } = event.currentTarget;
      setWish((old) => ({ ...old, [name]: value }));
    },
  });
  const solve = about?.['captcha-widget'] !== undefined;
  const signUp = useMutation({
    mutationFn: () => {
      const { invitation, ...rest } = wish;
      return hub.call(authRoutes.signUp, { body: { ...rest, ...(invitation === '' ? {} : { invitation }) } });
    },
    onSuccess: (answer) => {
      if ('token' in answer && solve) toCaptcha(answer.token);
    },
  });
  // Clients without a browser print this address with what was wished for in its fragment.
  const [sealed] = useState(() => new URLSearchParams(location.hash.slice(1)).get('account') ?? '');
  useEffect(() => {
    if (sealed !== '' && solve) toCaptcha(sealed);
  }, [sealed, solve]);
  const closed = about !== undefined && about['sign-up'] !== 'open';
  const captcha = about?.captcha === true && !solve;
  // Where no captcha can be shown an invitation replaces it.
  const invited = closed || captcha;
  if (solve && (sealed !== '' || (signUp.isSuccess && 'token' in signUp.data)))
    return (
      <Card title={sessionText.signUpTitle} below={below}>
        <Loading />
      </Card>
    );
  if (signUp.isSuccess)
    return (
      <Card title={sessionText.signUpTitle} below={below}>
        <p role="status">
          {'redirect-uri' in signUp.data
            ? sessionText.captchaNeeded
            : wish.invitation === ''
              ? sessionText.checkMail(wish.email)
              : sessionText.ready}
        </p>
      </Card>
    );
  return (
    <Card title={sessionText.signUpTitle} below={below}>
      {solve && !closed && <p className="soft">{sessionText.captchaNext}</p>}
      {invited && <p className="soft">{closed ? sessionText.signUpClosed : sessionText.captchaNeeded}</p>}
      <CardForm onSubmit={signUp.mutate} pending={signUp.isPending} error={signUp.error} action={sessionText.signUp}>
        <TextInput label={sessionText.email} type="email" autoComplete="email" required {...field('email')} />
        <TextInput
          label={sessionText.nick}
          description={sessionText.nickHint}
          autoComplete="username"
          minLength={3}
          maxLength={23}
          required
          {...field('nick')}
        />
        <PasswordInput
          label={sessionText.password}
          description={sessionText.passwordHint}
          autoComplete="new-password"
          minLength={8}
          required
          {...field('password')}
        />
        <TextInput
          label={invited ? sessionText.invitation : sessionText.invitationOptional}
          required={invited}
          autoComplete="off"
          {...field('invitation')}
        />
      </CardForm>
    </Card>
  );
}

export function VerifyPage() {
  const { id = '', challenge = '' } = useSearch({ from: '/verify' });
  const verified = useQuery({
    queryKey: ['verify', id, challenge],
    queryFn: () => hub.call(authRoutes.verify, { query: { id, challenge } }),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  return (
    <Card title={sessionText.verifyTitle} below={<Link to="/login">{sessionText.logIn}</Link>}>
      {verified.isPending && <Loading />}
      {verified.isError && <Failure error={verified.error} />}
      {verified.isSuccess && <p role="status">{sessionText.verified(verified.data.nick)}</p>}
    </Card>
  );
}
