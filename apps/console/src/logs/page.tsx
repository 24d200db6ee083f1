import { ActionIcon, Button, Select, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import type { LogEntry } from '@pantavisor/hub-api';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useState } from 'react';
import { useDevice } from '../device/context.tsx';
import { readState } from '../device/outline.ts';
import { saveAs } from '../device/save.ts';
import { useNotices } from '../frame/notices.tsx';
import { stepQuery } from '../hub/device.ts';
import { Icon } from '../show/icon.tsx';
import { Failure } from '../show/messages.tsx';
import { CopyLine } from '../show/values.tsx';
import { logsText } from '../text/index.ts';
import type { LogBuffer, LogFilter } from './buffer.ts';
import { Message } from './line.tsx';
import { LogList, useUnseen } from './list.tsx';
import classes from './logs.module.css';
import { downloadLog, useLog } from './use-log.ts';

const levels = ['FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'ALL'];
const fields = ['lvl', 'plat', 'rev', 'text', 'src'] as const;
const names = {
  lvl: logsText.level,
  plat: logsText.container,
  rev: logsText.revision,
  text: logsText.text,
  src: logsText.source,
};
const typingPause = 300;

function useContainers(): string[] {
  const { device, newest } = useDevice();
  const step = useQuery({ ...stepQuery(device.id, newest ?? 0), enabled: newest !== undefined });
  const names =
    step.data === undefined ? [] : (readState(step.data.state).state?.containers.map(({ name }) => name) ?? []);
  return ['pantavisor', ...names];
}

function Unseen({ buffer, onShow }: { buffer: LogBuffer; onShow: () => void }) {
  const count = useUnseen(buffer);
  if (count === 0) return null;
  return (
    <Button className={classes.unseen ?? ''} size="compact-sm" onClick={onShow} leftSection={<Icon name="down" />}>
      {logsText.newLines(count)}
    </Button>
  );
}

/** The log of a device: follows, filters, finds, and leads to any line by its address. */
export function LogsPage() {
  const { device, newest } = useDevice();
  const search = useSearch({ from: '/framed/u/$user/devices/$device/logs' });
  const { line, ...filter } = search;
  const navigate = useNavigate({ from: '/u/$user/devices/$device/logs' });
  const notices = useNotices();
  const [following, setFollowing] = useState(line === undefined);
  const [open, setOpen] = useState<LogEntry>();
  const [downloading, setDownloading] = useState<number>();
  const wanted: LogFilter = Object.fromEntries(
    fields.flatMap((name) => (filter[name] === undefined ? [] : [[name, filter[name]]])),
  );
  const log = useLog(device.id, wanted, line);
  const containers = useContainers();
  const set = (change: Partial<Record<(typeof fields)[number] | 'line', string | undefined>>) =>
    void navigate({ search: (old) => ({ ...old, line: undefined, ...change }) as never, replace: true });
  const typeText = useDebouncedCallback((text: string) => set({ text: text || undefined }), typingPause);
  const select = useCallback((entry: LogEntry) => setOpen(entry), []);
  const toEnd = () => {
    if (line !== undefined) set({ line: undefined });
    setFollowing(true);
  };
  const download = async () => {
    try {
      const text = await downloadLog(device.id, wanted, setDownloading);
      saveAs(`${device.nick}.log`, text, 'text/plain');
    } catch (error) {
      notices.failed(error);
    } finally {
      setDownloading(undefined);
    }
  };
  const chips = fields.filter((name) => filter[name] !== undefined);
  return (
    <section className={classes.page} aria-label={logsText.title}>
      <div className={classes.bar}>
        <TextInput
          aria-label={logsText.text}
          placeholder={logsText.textPlaceholder}
          leftSection={<Icon name="search" />}
          defaultValue={filter.text ?? ''}
          key={filter.text === undefined ? 'none' : 'some'}
          autoFocus={filter.text !== undefined}
          onChange={(event) => typeText(event.currentTarget.value)}
          className={classes.find ?? ''}
        />
        <Select
          aria-label={logsText.level}
          placeholder={logsText.level}
          data={levels}
          value={filter.lvl ?? null}
          clearable
          onChange={(value) => set({ lvl: value ?? undefined })}
          w="8rem"
        />
        <Select
          aria-label={logsText.container}
          placeholder={logsText.container}
          data={containers}
          value={filter.plat ?? null}
          clearable
          searchable
          onChange={(value) => set({ plat: value ?? undefined })}
          w="11rem"
        />
        <Select
          aria-label={logsText.revision}
          placeholder={logsText.revision}
          data={Array.from({ length: Math.min(50, (newest ?? -1) + 1) }, (_, index) => String((newest ?? 0) - index))}
          value={filter.rev ?? null}
          clearable
          searchable
          onChange={(value) => set({ rev: value ?? undefined })}
          w="8rem"
        />
        <Button
          variant={following ? 'light' : 'default'}
          leftSection={<Icon name={following ? 'pause' : 'play'} />}
          aria-pressed={following}
          onClick={() => (following ? setFollowing(false) : toEnd())}
        >
          {following ? logsText.following : logsText.follow}
        </Button>
        <Button
          variant="default"
          leftSection={<Icon name="download" />}
          onClick={() => void download()}
          loading={downloading !== undefined}
        >
          {logsText.download}
        </Button>
      </div>
      {chips.length > 0 && (
        <div className={classes.chips}>
          {chips.map((name) => (
            <span key={name} className={classes.chip}>
              {names[name]}: <strong>{filter[name]}</strong>
              <ActionIcon
                variant="transparent"
                size="xs"
                aria-label={logsText.clearFilter(names[name])}
                onClick={() => set({ [name]: undefined })}
              >
                <Icon name="close" size={12} />
              </ActionIcon>
            </span>
          ))}
        </div>
      )}
      {log.error !== undefined && <Failure error={log.error} />}
      <div className={classes.frame}>
        <LogList
          buffer={log.buffer}
          following={following}
          onFollow={setFollowing}
          onOlder={log.older}
          marked={open?.id ?? line}
          onSelect={select}
          empty={
            log.pending ? undefined : (
              <p className={classes.nothing}>{chips.length > 0 ? logsText.none : logsText.noneYet}</p>
            )
          }
        />
        {!following && <Unseen key={JSON.stringify(wanted)} buffer={log.buffer} onShow={toEnd} />}
      </div>
      {open !== undefined && (
        <aside className={classes.details} aria-label={logsText.details}>
          <ActionIcon
            variant="subtle"
            size="sm"
            aria-label={logsText.closeDetails}
            onClick={() => setOpen(undefined)}
            className={classes.close ?? ''}
          >
            <Icon name="close" />
          </ActionIcon>
          <p className="soft">
            {open['time-created']} · {open.lvl} · {open.plat} · {open.src} · {logsText.revision} {open.rev}
          </p>
          <pre>
            <Message text={open.msg ?? ''} />
          </pre>
          <CopyLine value={`${location.origin}${location.pathname}?line=${open.id}`} what={logsText.link} />{' '}
          {chips.length > 0 && (
            <Button size="compact-sm" variant="default" onClick={() => void navigate({ search: { line: open.id } })}>
              {logsText.around}
            </Button>
          )}
        </aside>
      )}
    </section>
  );
}
