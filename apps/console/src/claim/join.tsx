import { Button, TextInput } from '@mantine/core';
import { deviceRoutes } from '@pantavisor/hub-api';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { hub } from '../hub/client.ts';
import layout from '../look/layout.module.css';
import { Failure } from '../show/messages.tsx';
import { CopyLine } from '../show/values.tsx';
import { claimText } from '../text/index.ts';

/** Makes a token with which devices come by themselves. @param onMade gets it, for the instructions on the same screen */
export function ByToken({ onMade }: { onMade: (token: string) => void }) {
  const [nick, setNick] = useState('');
  const make = useMutation({
    mutationFn: () => hub.call(deviceRoutes.createToken, { body: nick === '' ? {} : { nick } }),
    onSuccess: ({ token }) => onMade(token ?? ''),
  });
  if (make.isSuccess)
    return (
      <div className={layout.secret}>
        <strong>{claimText.joinOnce}</strong>
        <CopyLine value={make.data.token ?? ''} what={claimText.joinTitle} />
        <span className="soft">{claimText.joinUse}</span>
        <CopyLine value={`PH_FACTORY_AUTOTOK=${make.data.token}`} what={claimText.joinLine} />
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
