import { Button, TextInput } from '@mantine/core';
import { deviceRoutes } from '@pantavisor/hub-api';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { hub } from '../hub/client.ts';
import { summaryQuery } from '../hub/device.ts';
import { useEvents } from '../hub/live.ts';
import { useViewer } from '../hub/viewer.ts';
import layout from '../look/layout.module.css';
import { Icon } from '../show/icon.tsx';
import { LinkButton } from '../show/link-button.tsx';
import { Announce, Failure } from '../show/messages.tsx';
import { Status } from '../show/status.tsx';
import { CopyLine } from '../show/values.tsx';
import { claimText } from '../text/index.ts';
import classes from './claim.module.css';
import { claimAddress, readChallenge } from './read.ts';

const Scanner = lazy(() => import('./scanner.tsx').then(({ Scanner: component }) => ({ default: component })));
const QrCode = lazy(() => import('./qr-code.tsx').then(({ QrCode: component }) => ({ default: component })));

function Claimed({ id, nick, onAgain }: { id: string; nick: string; onAgain: () => void }) {
  const viewer = useViewer();
  const summary = useQuery(summaryQuery(id));
  useEvents({ topics: 'device,step', device: id }, () => void summary.refetch());
  const online = summary.data != null;
  return (
    <div className={layout.form} role="status">
      <p>
        <strong>{claimText.done(nick)}</strong> {online ? <Status status={summary.data?.status ?? ''} /> : null}
      </p>
      <p className={layout.hint}>{online ? claimText.online : claimText.waiting}</p>
      <Announce>{online ? claimText.online : ''}</Announce>
      <div className={layout.row}>
        <LinkButton to="/u/$user/devices/$device" params={{ user: viewer.nick, device: id }}>
          {claimText.open}
        </LinkButton>
        <Button variant="default" onClick={onAgain}>
          {claimText.another}
        </Button>
      </div>
    </div>
  );
}

/** The address of this form with what is in it, to be scanned by a phone or put on a label. */
function Handover({ id, challenge }: { id: string; challenge: string }) {
  const [open, setOpen] = useState(false);
  const address = claimAddress(location.origin, id, challenge);
  return (
    <details className={classes.handover} open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{claimText.handover}</summary>
      {open && (
        <div className={layout.form}>
          <p className={layout.hint}>{claimText.handoverHint}</p>
          <Suspense fallback={<div className={classes.codeSpace} />}>
            <QrCode text={address} label={claimText.handover} />
          </Suspense>
          <CopyLine value={address} what={claimText.handover} />
        </div>
      )}
    </details>
  );
}

/** Browsers lend the camera only to pages that came over HTTPS, or from this machine. */
const mayScan = (): boolean => typeof navigator.mediaDevices?.getUserMedia === 'function';

/** Claims a device by what it shows of itself. */
export function ByChallenge() {
  const search = useSearch({ from: '/framed/personal/claim' });
  const [pasted, setPasted] = useState('');
  const [form, setForm] = useState({ id: search.id ?? '', challenge: search.challenge ?? '' });
  const [scanning, setScanning] = useState(false);
  const claim = useMutation({
    mutationFn: () =>
      hub.call(deviceRoutes.put, { params: { id: form.id }, query: { challenge: form.challenge }, body: {} }),
  });
  const take = (text: string): boolean => {
    const found = readChallenge(text);
    setForm((old) => ({ id: found.id || old.id, challenge: found.challenge || old.challenge }));
    return found.id !== '' || found.challenge !== '';
  };
  if (claim.isSuccess)
    return (
      <Claimed
        id={claim.data.id}
        nick={claim.data.nick}
        onAgain={() => {
          setPasted('');
          setForm({ id: '', challenge: '' });
          claim.reset();
        }}
      />
    );
  const idBad = form.id !== '' && !/^[0-9a-f]{24}$/.test(form.id);
  const complete = form.id !== '' && !idBad && form.challenge !== '';
  return (
    <form
      className={layout.form}
      onSubmit={(event) => {
        event.preventDefault();
        claim.mutate();
      }}
    >
      <div className={layout.row}>
        <TextInput
          className={layout.grow ?? ''}
          label={claimText.paste}
          placeholder={claimText.pastePlaceholder}
          value={pasted}
          onChange={(event) => {
            const text = event.currentTarget.value;
            setPasted(text);
            take(text);
          }}
        />
        {mayScan() && (
          <Button variant="default" leftSection={<Icon name="scan" />} onClick={() => setScanning(true)}>
            {claimText.scan}
          </Button>
        )}
      </div>
      <TextInput
        label={claimText.id}
        required
        autoComplete="off"
        value={form.id}
        error={idBad ? claimText.idBad : undefined}
        onChange={(event) => setForm({ ...form, id: event.currentTarget.value.trim() })}
      />
      <TextInput
        label={claimText.challenge}
        required
        autoComplete="off"
        value={form.challenge}
        onChange={(event) => setForm({ ...form, challenge: event.currentTarget.value.trim() })}
      />
      {claim.isError && <Failure error={claim.error} />}
      <Button type="submit" loading={claim.isPending} disabled={idBad}>
        {claimText.claim}
      </Button>
      {complete && <Handover id={form.id} challenge={form.challenge} />}
      {scanning && (
        <Suspense fallback={null}>
          <Scanner
            onFound={(text) => {
              const fits = take(text);
              if (fits) setScanning(false);
              return fits;
            }}
            onClose={() => setScanning(false)}
          />
        </Suspense>
      )}
    </form>
  );
}
