import { Button, Textarea, TextInput } from '@mantine/core';
import { type Profile, profileRoutes } from '@pantavisor/hub-api';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useNotices } from '../frame/notices.tsx';
import { LoadFailure, Loading } from '../frame/states.tsx';
import { hub } from '../hub/client.ts';
import { useViewer } from '../hub/viewer.ts';
import layout from '../look/layout.module.css';
import { Failure } from '../show/messages.tsx';
import { accountText, frameText } from '../text/index.ts';

const fields = ['fullName', 'company', 'location', 'website', 'github', 'gitlab', 'twitter'] as const;

function readAsDataUrl(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error ?? new Error(`cannot read ${file.name}`));
    reader.readAsDataURL(file);
  });
}

function ProfileForm({ profile }: { profile: Profile }) {
  const [form, setForm] = useState(profile);
  const queryClient = useQueryClient();
  const notices = useNotices();
  const save = useMutation({
    mutationFn: () => {
      const { fullName, bio, picture, website, location, github, gitlab, company, twitter } = form;
      return hub.call(profileRoutes.put, {
        body: { fullName, bio, picture, website, location, github, gitlab, company, twitter },
      });
    },
    onSuccess: () => {
      notices.done(accountText.saved);
      return queryClient.invalidateQueries({ queryKey: ['profile'] });
    },
  });
  const set = (name: keyof Profile) => (event: React.ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) => {
    const { value } = event.currentTarget;
    setForm((old) => ({ ...old, [name]: value }));
  };
  const choose = async (file: File | undefined) => {
    if (file === undefined) return;
    try {
      const picture = await readAsDataUrl(file);
      setForm((old) => ({ ...old, picture }));
    } catch (error) {
      notices.failed(error);
    }
  };
  return (
    <form
      className={`${layout.card} ${layout.form} ${layout.narrow}`}
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <p className={layout.hint}>{accountText.profileHint}</p>
      <dl className={layout.facts}>
        <dt>{accountText.nickIs}</dt>
        <dd>{profile.nick}</dd>
        <dt>{accountText.emailIs}</dt>
        <dd>{profile.email}</dd>
      </dl>
      <div className={layout.row}>
        {form.picture !== '' && <img src={form.picture} alt="" width="64" height="64" />}
        <TextInput
          label={accountText.picture}
          description={accountText.pictureHint}
          type="file"
          accept="image/png,image/jpeg"
          onChange={(event) => void choose(event.currentTarget.files?.[0])}
        />
      </div>
      <div className={layout.fields}>
        {fields.map((name) => (
          <TextInput key={name} label={accountText.fields[name]} value={form[name]} onChange={set(name)} />
        ))}
      </div>
      <Textarea label={accountText.fields.bio} autosize minRows={3} value={form.bio} onChange={set('bio')} />
      {save.isError && <Failure error={save.error} />}
      <div>
        <Button type="submit" loading={save.isPending}>
          {frameText.save}
        </Button>
      </div>
    </form>
  );
}

/** What others may know about the viewer. */
export function ProfilePage() {
  const { nick } = useViewer();
  const profile = useQuery({
    queryKey: ['profile', nick],
    queryFn: () => hub.call(profileRoutes.get, { params: { nick } }),
    retry: false,
  });
  return (
    <>
      <div className={layout.heading}>
        <h1>{accountText.profileTitle}</h1>
      </div>
      {profile.isError ? (
        <LoadFailure error={profile.error} />
      ) : profile.data === undefined ? (
        <Loading />
      ) : (
        <ProfileForm profile={profile.data} />
      )}
    </>
  );
}
