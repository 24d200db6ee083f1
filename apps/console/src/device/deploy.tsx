import { Button, Modal, TextInput } from '@mantine/core';
import { trailRoutes } from '@pantavisor/hub-api';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useFetchText, useSide } from '../diff/sides.ts';
import { DiffView } from '../diff/view.tsx';
import { useNotices } from '../frame/notices.tsx';
import { Loading } from '../frame/states.tsx';
import { hub } from '../hub/client.ts';
import layout from '../look/layout.module.css';
import { Failure } from '../show/messages.tsx';
import { deviceText } from '../text/index.ts';
import { useDevice } from './context.tsx';

const words = deviceText.deploy;

/** Deploys an older revision again, after showing what that changes against the newest one. */
export function DeployDialog({ rev, onClose }: { rev: number; onClose: () => void }) {
  const { device, user, newest } = useDevice();
  const before = useSide(newest === undefined ? undefined : { id: device.id, rev: newest });
  const after = useSide({ id: device.id, rev });
  const fetchText = useFetchText(before.objects, after.objects);
  const [message, setMessage] = useState<string>(words.defaultMessage(rev));
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const notices = useNotices();
  const deploy = useMutation({
    mutationFn: () =>
      hub.call(trailRoutes.post, {
        params: { id: device.id },
        body: { rev: -1, 'commit-msg': message, state: after.step?.state ?? {} },
      }),
    onSuccess: async (step) => {
      notices.done(words.done(step.rev));
      onClose();
      await queryClient.invalidateQueries({ queryKey: ['trail', device.id] });
      await navigate({ to: '/u/$user/devices/$device', params: { user, device: device.id } });
    },
  });
  const error = before.error ?? after.error ?? deploy.error;
  return (
    <Modal opened onClose={onClose} title={words.title(rev)} size="xl">
      <div className={layout.form}>
        <TextInput
          label={words.message}
          data-autofocus
          value={message}
          onChange={(event) => setMessage(event.currentTarget.value)}
        />
        <h3>{words.against}</h3>
        {before.side === undefined || after.side === undefined ? (
          <Loading />
        ) : (
          <DiffView before={before.side} after={after.side} fetchText={fetchText} />
        )}
        {error != null && <Failure error={error} />}
        <Button onClick={() => deploy.mutate()} loading={deploy.isPending} disabled={after.step === undefined}>
          {words.action}
        </Button>
      </div>
    </Modal>
  );
}
