import { Button, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useDevice } from '../device/context.tsx';
import { LoadFailure, Loading } from '../frame/states.tsx';
import { findDeviceByText } from '../hub/device.ts';
import { useViewer } from '../hub/viewer.ts';
import layout from '../look/layout.module.css';
import { Failure } from '../show/messages.tsx';
import { diffText } from '../text/index.ts';
import { useFetchText, useSide } from './sides.ts';
import { DiffView } from './view.tsx';

const whole = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;

/** Compares two revisions, also of two devices; what is compared is in the address. */
export function DiffPage() {
  const { device, newest, user } = useDevice();
  const { nick } = useViewer();
  const search = useSearch({ from: '/framed/u/$user/devices/$device/diff' });
  const navigate = useNavigate({ from: '/u/$user/devices/$device/diff' });
  const other = useQuery({
    queryKey: ['device', 'other', search.other],
    queryFn: () => findDeviceByText(search.other ?? '', nick || user),
    enabled: search.other !== undefined,
    retry: false,
  });
  const to = whole(search.to) ?? newest ?? 0;
  const from = whole(search.from) ?? Math.max(0, to - 1);
  const otherId = search.other === undefined ? device.id : other.data?.id;
  const before = useSide(otherId === undefined ? undefined : { id: otherId, rev: from });
  const after = useSide({ id: device.id, rev: to });
  const fetchText = useFetchText(before.objects, after.objects);
  const [form, setForm] = useState({ from: String(from), to: String(to), other: search.other ?? '' });
  const set = (name: keyof typeof form) => (event: React.ChangeEvent<HTMLInputElement>) => {
    const { value } = event.currentTarget;
    setForm((old) => ({ ...old, [name]: value }));
  };
  const go = (next: typeof form) => {
    setForm(next);
    void navigate({ search: { from: next.from, to: next.to, ...(next.other === '' ? {} : { other: next.other }) } });
  };
  const error = other.error ?? before.error ?? after.error;
  return (
    <div className={layout.stack}>
      <form
        className={`${layout.card} ${layout.row}`}
        onSubmit={(event) => {
          event.preventDefault();
          go(form);
        }}
      >
        <TextInput
          label={diffText.from}
          inputMode="numeric"
          pattern="\d+"
          required
          value={form.from}
          onChange={set('from')}
          w="6rem"
        />
        <TextInput
          label={diffText.device}
          placeholder={diffText.deviceHint}
          value={form.other}
          onChange={set('other')}
          className={layout.grow ?? ''}
        />
        <TextInput
          label={diffText.to}
          inputMode="numeric"
          pattern="\d+"
          required
          value={form.to}
          onChange={set('to')}
          w="6rem"
        />
        <Button type="submit">{diffText.title}</Button>
        {form.other === '' && (
          <Button variant="default" onClick={() => go({ ...form, from: form.to, to: form.from })}>
            {diffText.swap}
          </Button>
        )}
      </form>
      {error != null ? (
        other.error != null ? (
          <Failure error={error} />
        ) : (
          <LoadFailure error={error} />
        )
      ) : before.side === undefined || after.side === undefined ? (
        <Loading />
      ) : (
        <DiffView before={before.side} after={after.side} fetchText={fetchText} />
      )}
    </div>
  );
}
