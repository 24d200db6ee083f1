import { Button, Modal, Progress, SegmentedControl, TextInput } from '@mantine/core';
import type { FleetDevice } from '@pantavisor/hub-api';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useBlocker } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { useViewer } from '../../hub/viewer.ts';
import layout from '../../look/layout.module.css';
import { Failure } from '../../show/messages.tsx';
import { fleetText, frameText, number } from '../../text/index.ts';
import type { Selection } from '../selection.ts';
import { forEachDevice, nothingDone, type Outcome, selectedDevices } from './run.ts';
import { deployPrevious, prepareDeploy, removeDevice, setShared, setTag } from './work.ts';

export type BulkAction = 'deploy' | 'tag' | 'share' | 'unshare' | 'remove';
const shown = 5;

interface DialogProps {
  action: BulkAction;
  selection: Selection;
  count: number;
  query: string;
  source: string | undefined;
  onClose: (changed: boolean) => void;
}

const titles: Record<BulkAction, string> = {
  deploy: fleetText.deployTitle,
  tag: fleetText.tagTitle,
  share: fleetText.actions.share,
  unshare: fleetText.actions.unshare,
  remove: fleetText.removeTitle,
};

interface Form {
  mode: string;
  source: string;
  rev: string;
  message: string;
  name: string;
  value: string;
  typed: string;
}

/** The work for one device, prepared once for all. @throws when it cannot be done to any */
async function workFor(
  action: BulkAction,
  form: Form,
  nick: string,
): Promise<(device: FleetDevice) => Promise<unknown>> {
  switch (action) {
    case 'deploy':
      return form.mode === 'previous'
        ? (device) => deployPrevious(device, form.message)
        : prepareDeploy(form.source, form.rev, form.message, nick);
    case 'tag':
      return (device) => setTag(device, form.name, form.value);
    case 'share':
    case 'unshare':
      return (device) => setShared(device, action === 'share');
    case 'remove':
      return removeDevice;
  }
}

function Fields({
  action,
  form,
  set,
  count,
}: {
  action: BulkAction;
  form: Form;
  set: (change: Partial<Form>) => void;
  count: number;
}) {
  if (action === 'deploy')
    return (
      <>
        <SegmentedControl
          fullWidth
          orientation="vertical"
          value={form.mode}
          onChange={(mode) => set({ mode })}
          data={[
            { value: 'same', label: fleetText.deployFrom },
            { value: 'previous', label: fleetText.deployPrevious },
          ]}
        />
        {form.mode === 'same' && (
          <div className={layout.row}>
            <TextInput
              className={layout.grow ?? ''}
              label={fleetText.deploySource}
              description={fleetText.deploySourceHint}
              required
              value={form.source}
              onChange={(event) => set({ source: event.currentTarget.value })}
            />
            <TextInput
              label={fleetText.deployRevision}
              placeholder={fleetText.deployLatest}
              pattern="\d*"
              w="7rem"
              value={form.rev}
              onChange={(event) => set({ rev: event.currentTarget.value })}
            />
          </div>
        )}
        <TextInput
          label={fleetText.deployMessage}
          value={form.message}
          onChange={(event) => set({ message: event.currentTarget.value })}
        />
      </>
    );
  if (action === 'tag')
    return (
      <div className={layout.row}>
        <TextInput
          className={layout.grow ?? ''}
          label={fleetText.tagName}
          required
          data-autofocus
          value={form.name}
          onChange={(event) => set({ name: event.currentTarget.value })}
        />
        <TextInput
          className={layout.grow ?? ''}
          label={fleetText.tagValue}
          value={form.value}
          onChange={(event) => set({ value: event.currentTarget.value })}
        />
      </div>
    );
  if (action === 'remove')
    return (
      <>
        <p className={layout.hint}>{fleetText.removeWarning}</p>
        <TextInput
          label={fleetText.typeToConfirm(count)}
          required
          data-autofocus
          value={form.typed}
          onChange={(event) => set({ typed: event.currentTarget.value })}
        />
      </>
    );
  return null;
}

function Result({
  outcome,
  total,
  running,
  onStop,
  onAgain,
}: {
  outcome: Outcome;
  total: number;
  running: boolean;
  onStop: () => void;
  /** does it to those whose turn did not come, or to those that failed */
  onAgain: (which: 'left' | 'failed') => void;
}) {
  const bad = outcome.failures.length;
  const left = outcome.left.length;
  return (
    <div className={layout.form}>
      <Progress
        value={(100 * (outcome.done + bad)) / Math.max(1, total)}
        aria-label={fleetText.running(outcome.done + bad, total)}
      />
      <p role="status" className={layout.hint}>
        {running ? fleetText.running(outcome.done + bad, total) : fleetText.finished(outcome.done, bad)}
        {!running && left > 0 && ` ${fleetText.stopped(left)}`}
      </p>
      {running && <p className={layout.hint}>{fleetText.keepOpen}</p>}
      <div className={layout.row}>
        {running && (
          <Button variant="default" onClick={onStop}>
            {fleetText.stop}
          </Button>
        )}
        {!running && left > 0 && <Button onClick={() => onAgain('left')}>{fleetText.goOn(left)}</Button>}
        {!running && bad > 0 && (
          <Button variant="default" onClick={() => onAgain('failed')}>
            {fleetText.again(bad)}
          </Button>
        )}
      </div>
      {bad > 0 && (
        <details open={!running}>
          <summary>
            {fleetText.failures} ({number(bad)})
          </summary>
          <ul>
            {outcome.failures.slice(0, 100).map(({ device, why }) => (
              <li key={device.id}>
                {device.nick}: {why}
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

/** Asks what shall be done, shows to how many and to which, does it, and tells what failed. */
export function BulkDialog({ action, selection, count, query, source, onClose }: DialogProps) {
  const { nick } = useViewer();
  const [sourceId = '', sourceRev = ''] = (source ?? '').split('@');
  const [form, setForm] = useState<Form>({
    mode: 'same',
    source: sourceId,
    rev: sourceRev,
    message: '',
    name: '',
    value: '',
    typed: '',
  });
  const [outcome, setOutcome] = useState<Outcome>();
  const [running, setRunning] = useState(false);
  const [error, setError] = useState<unknown>();
  const end = useRef(new AbortController());
  const queryClient = useQueryClient();
  const devices = useQuery({
    queryKey: ['bulk', query, selection.kind, [...selection.ids]],
    queryFn: ({ signal }) => selectedDevices(query, selection, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const list = devices.data ?? [];
  const run = async (devicesToDo: readonly FleetDevice[], before: Outcome) => {
    setError(undefined);
    end.current = new AbortController();
    try {
      const work = await workFor(action, form, nick);
      setRunning(true);
      setOutcome(before);
      setOutcome(await forEachDevice(devicesToDo, work, setOutcome, end.current.signal, before));
    } catch (problem) {
      setError(problem);
    } finally {
      setRunning(false);
      await queryClient.invalidateQueries({ queryKey: ['fleet'] });
    }
  };
  const again = (which: 'left' | 'failed') => {
    if (outcome === undefined) return;
    if (which === 'left') void run(outcome.left, { ...outcome, left: [] });
    else
      void run(
        outcome.failures.map(({ device }) => device),
        { ...outcome, failures: [] },
      );
  };
  const close = () => {
    if (running && !window.confirm(fleetText.leave)) return;
    end.current.abort();
    onClose(outcome !== undefined && action === 'remove');
  };
  // It runs in this tab: what has not had its turn when the tab goes is not done.
  useBlocker({
    shouldBlockFn: () => running && !window.confirm(fleetText.leave),
    enableBeforeUnload: () => running,
  });
  return (
    <Modal opened onClose={close} title={titles[action]} size="lg" closeOnClickOutside={!running}>
      <form
        className={layout.form}
        onSubmit={(event) => {
          event.preventDefault();
          void run(list, nothingDone);
        }}
      >
        {outcome === undefined && (
          <Fields
            action={action}
            form={form}
            set={(change) => setForm((old) => ({ ...old, ...change }))}
            count={count}
          />
        )}
        {devices.isError && <Failure error={devices.error} />}
        {error !== undefined && <Failure error={error} />}
        {outcome === undefined ? (
          <>
            <div>
              <strong>{fleetText.preview(devices.data === undefined ? count : list.length)}</strong>
              <ul>
                {list.slice(0, shown).map(({ id, nick: name }) => (
                  <li key={id}>{name}</li>
                ))}
                {list.length > shown && <li>{fleetText.previewMore(list.length - shown)}</li>}
              </ul>
            </div>
            <p className={layout.hint}>{fleetText.inThisTab}</p>
            <Button
              type="submit"
              color={action === 'remove' ? 'red' : 'petrol'}
              disabled={list.length === 0 || (action === 'remove' && form.typed !== String(count))}
              loading={devices.isPending}
            >
              {fleetText.run(list.length)}
            </Button>
          </>
        ) : (
          <>
            <Result
              outcome={outcome}
              total={list.length}
              running={running}
              onStop={() => end.current.abort()}
              onAgain={again}
            />
            {!running && (
              <Button variant="default" onClick={close}>
                {frameText.done}
              </Button>
            )}
          </>
        )}
      </form>
    </Modal>
  );
}
