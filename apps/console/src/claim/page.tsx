import { Button, TextInput } from '@mantine/core';
import { deviceRoutes } from '@pantavisor/hub-api';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { hub } from '../hub/client.ts';
import { summaryQuery } from '../hub/device.ts';
import { useEvents } from '../hub/live.ts';
import { useAbout, useViewer } from '../hub/viewer.ts';
import layout from '../look/layout.module.css';
import { LinkButton } from '../show/link-button.tsx';
import { Announce, Failure } from '../show/messages.tsx';
import { Status } from '../show/status.tsx';
import { CopyLine } from '../show/values.tsx';
import { claimText } from '../text/index.ts';

/** Finds id and challenge in whatever a device prints: a claim command, an address, or the two words themselves. */
export function readChallenge(text: string): { id: string; challenge: string } {
  const id = /(?<![0-9a-f])[0-9a-f]{24}(?![0-9a-f])/.exec(text)?.[0] ?? '';
  const named = /(?:-c|--challenge|challenge["']?\s*[:=])\s*["']?([a-z]+(?:-[a-z]+)+)/i.exec(text)?.[1];
  const rest = text.replace(/https?:\S+/g, ' ');
  const words = named ?? /\b[a-z]{2,}-[a-z]{2,}-[a-z]{2,}\b/.exec(rest)?.[0] ?? '';
  return { id, challenge: words };
}

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

function ByChallenge() {
  const [pasted, setPasted] = useState('');
  const [form, setForm] = useState({ id: '', challenge: '' });
  const claim = useMutation({
    mutationFn: () =>
      hub.call(deviceRoutes.put, { params: { id: form.id }, query: { challenge: form.challenge }, body: {} }),
  });
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
  return (
    <form
      className={layout.form}
      onSubmit={(event) => {
        event.preventDefault();
        claim.mutate();
      }}
    >
      <TextInput
        label={claimText.paste}
        placeholder={claimText.pastePlaceholder}
        value={pasted}
        onChange={(event) => {
          const text = event.currentTarget.value;
          setPasted(text);
          const found = readChallenge(text);
          setForm((old) => ({ id: found.id || old.id, challenge: found.challenge || old.challenge }));
        }}
      />
      <TextInput
        label={claimText.id}
        required
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
    </form>
  );
}

function ByToken() {
  const [nick, setNick] = useState('');
  const make = useMutation({
    mutationFn: () => hub.call(deviceRoutes.createToken, { body: nick === '' ? {} : { nick } }),
  });
  if (make.isSuccess)
    return (
      <div className={layout.secret}>
        <strong>{claimText.joinOnce}</strong>
        <CopyLine value={make.data.token ?? ''} what={claimText.joinTitle} />
        <span className="soft">{claimText.joinHint}</span>
        <CopyLine value={`PH_FACTORY_AUTOTOK=${make.data.token}`} what={claimText.joinTitle} />
      </div>
    );
  return (
    <form
      className={layout.form}
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate();
      }}
    >
      <TextInput label={claimText.joinName} value={nick} onChange={(event) => setNick(event.currentTarget.value)} />
      {make.isError && <Failure error={make.error} />}
      <Button type="submit" variant="default" loading={make.isPending}>
        {claimText.joinMake}
      </Button>
    </form>
  );
}

/** Ways in which a device comes to its owner. */
export function ClaimPage() {
  const about = useAbout();
  const url = new URL(about?.['clone-url'] ?? location.origin);
  return (
    <>
      <div className={layout.heading}>
        <h1>{claimText.title}</h1>
      </div>
      <div className={layout.grid}>
        <section className={layout.card}>
          <h2>{claimText.challengeTitle}</h2>
          <p className={layout.hint}>{claimText.challengeHint}</p>
          <ByChallenge />
        </section>
        <section className={layout.card}>
          <h2>{claimText.joinTitle}</h2>
          <p className={layout.hint}>{claimText.joinHint.split('. ')[0]}.</p>
          <ByToken />
        </section>
        <section className={layout.card}>
          <h2>{claimText.imageTitle}</h2>
          <p className={layout.hint}>{claimText.engineHint}</p>
          <CopyLine
            value={`PH_CREDS_HOST=${url.protocol}//${url.hostname} PH_CREDS_PORT=${url.port || (url.protocol === 'https:' ? '443' : '80')} PV_CONTROL_REMOTE=1 pantavisor --storage /var/pantavisor`}
            what={claimText.engineHint}
          />
        </section>
      </div>
    </>
  );
}
