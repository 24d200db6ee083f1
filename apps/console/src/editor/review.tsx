import { Button, Modal, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useCallback, useMemo, useState } from 'react';
import { useDevice } from '../device/context.tsx';
import type { Side } from '../diff/compare.ts';
import type { FetchText } from '../diff/content.tsx';
import { useFetchText, useSide } from '../diff/sides.ts';
import { DiffView } from '../diff/view.tsx';
import { useNotices } from '../frame/notices.tsx';
import { Loading } from '../frame/states.tsx';
import layout from '../look/layout.module.css';
import { Failure } from '../show/messages.tsx';
import { deviceText, editorText } from '../text/index.ts';
import type { Draft } from './draft.ts';
import { publish } from './publish.ts';

interface ReviewProps {
  state: Record<string, unknown>;
  draft: Draft & { rev: number };
  errors: number;
  onClose: () => void;
  onDone: () => void;
}

/** Shows what the changes mean against the newest revision, and deploys them with a message. */
export function Review({ state, draft, errors, onClose, onDone }: ReviewProps) {
  const { device, newest } = useDevice();
  const before = useSide({ id: device.id, rev: newest ?? draft.rev });
  const base = useSide({ id: device.id, rev: draft.rev });
  const fetchStored = useFetchText(before.objects, base.objects);
  const [message, setMessage] = useState('');
  const [uploaded, setUploaded] = useState<[number, number]>();
  const queryClient = useQueryClient();
  const notices = useNotices();
  const after = useMemo((): Side => {
    const sizes = new Map(base.side?.sizes);
    for (const [key, change] of draft.changes) if (change.kind === 'object') sizes.set(key, change.content.length);
    return { state, sizes };
  }, [state, base.side, draft.changes]);
  const fetchText = useCallback<FetchText>(
    (side, key) => {
      const change = draft.changes.get(key);
      return side === 'after' && change?.kind === 'object' ? Promise.resolve(change.text) : fetchStored(side, key);
    },
    [draft.changes, fetchStored],
  );
  const deploy = useMutation({
    mutationFn: () =>
      publish(device.id, { state, message, changes: draft.changes }, (done, of) => setUploaded([done, of])),
    onSuccess: async (step) => {
      notices.done(deviceText.deploy.done(step.rev));
      await queryClient.invalidateQueries({ queryKey: ['trail', device.id] });
      onDone();
    },
  });
  return (
    <Modal opened onClose={onClose} title={editorText.reviewTitle} size="xl">
      <form
        className={layout.form}
        onSubmit={(event) => {
          event.preventDefault();
          deploy.mutate();
        }}
      >
        {errors > 0 && (
          <p className={layout.secret}>
            {editorText.errors(errors)}. {diffWarning}
          </p>
        )}
        {before.side === undefined ? (
          <Loading />
        ) : (
          <DiffView before={before.side} after={after} fetchText={fetchText} />
        )}
        <TextInput
          label={editorText.message}
          description={editorText.messageNeeded}
          required
          data-autofocus
          value={message}
          onChange={(event) => setMessage(event.currentTarget.value)}
        />
        {deploy.isError && <Failure error={deploy.error} />}
        {deploy.isPending && uploaded !== undefined && uploaded[1] > 0 && (
          <p role="status">{editorText.uploading(...uploaded)}</p>
        )}
        <Button type="submit" loading={deploy.isPending} disabled={errors > 0}>
          {editorText.deploy}
        </Button>
      </form>
    </Modal>
  );
}

const diffWarning = deviceText.problems;
