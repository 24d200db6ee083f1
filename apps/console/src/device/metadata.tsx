import { ActionIcon, Button, Textarea, TextInput } from '@mantine/core';
import { deviceRoutes, type MetaChange, profileRoutes } from '@pantavisor/hub-api';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useNotices } from '../frame/notices.tsx';
import { hub } from '../hub/client.ts';
import { metaHistoryQuery } from '../hub/device.ts';
import layout from '../look/layout.module.css';
import { Icon } from '../show/icon.tsx';
import { Failure } from '../show/messages.tsx';
import { Scroll } from '../show/scroll.tsx';
import { When } from '../show/values.tsx';
import { deviceText, frameText } from '../text/index.ts';
import { useDevice } from './context.tsx';

type JsonMap = Record<string, unknown>;
const words = deviceText.meta;

/** How a value of metadata is written in a field: texts as they are, everything else as JSON. */
export const asField = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** What a field means: JSON when it begins like an object or array and is one, else the text itself. */
export function fromField(text: string): unknown {
  if (!/^\s*[{[]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

interface EditorProps {
  /** what is shown */
  values: JsonMap;
  /** keys that come from elsewhere and are only overlaid here */
  inherited: ReadonlySet<string>;
  onSet: (key: string, value: unknown) => void;
  onRemove: (key: string) => void;
  pending: boolean;
}

function EditRow({
  name,
  value,
  onSave,
  onClose,
  pending,
}: {
  name: string;
  value: string;
  onSave: (value: unknown) => void;
  onClose: () => void;
  pending: boolean;
}) {
  const [text, setText] = useState(value);
  return (
    <form
      className={layout.row}
      onSubmit={(event) => {
        event.preventDefault();
        onSave(fromField(text));
        onClose();
      }}
    >
      <Textarea
        className={layout.grow ?? ''}
        autosize
        minRows={1}
        maxRows={12}
        aria-label={words.edit(name)}
        data-autofocus
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <Button type="submit" size="compact-sm" loading={pending}>
        {frameText.save}
      </Button>
      <Button size="compact-sm" variant="default" onClick={onClose}>
        {frameText.cancel}
      </Button>
    </form>
  );
}

/** Keys and values that a person may change. */
export function MetaEditor({ values, inherited, onSet, onRemove, pending }: EditorProps) {
  const [editing, setEditing] = useState<string>();
  const [fresh, setFresh] = useState({ key: '', value: '' });
  const keys = Object.keys(values).filter((key) => values[key] !== null);
  return (
    <>
      {keys.length === 0 && <p className="soft">{words.none}</p>}
      {keys.length > 0 && (
        <Scroll label={words.user}>
          <table className={`${layout.table} ${layout.stacked}`}>
            <thead>
              <tr>
                <th>{words.key}</th>
                <th>{words.value}</th>
                <th>{words.source}</th>
                <th>
                  <span className="visually-hidden">{deviceText.actions}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {keys.map((key) => (
                <tr key={key}>
                  <td className={`mono ${layout.key}`}>{key}</td>
                  <td className={layout.long}>
                    {editing === key ? (
                      <EditRow
                        name={key}
                        value={asField(values[key])}
                        pending={pending}
                        onSave={(value) => onSet(key, value)}
                        onClose={() => setEditing(undefined)}
                      />
                    ) : (
                      asField(values[key])
                    )}
                  </td>
                  <td className="soft" data-label={words.source}>
                    {inherited.has(key) ? words.global : words.own}
                  </td>
                  <td className={`${layout.number} ${layout.corner}`}>
                    <ActionIcon variant="subtle" size="sm" aria-label={words.edit(key)} onClick={() => setEditing(key)}>
                      <Icon name="edit" />
                    </ActionIcon>
                    {!inherited.has(key) && (
                      <ActionIcon
                        variant="subtle"
                        size="sm"
                        color="red"
                        aria-label={words.remove(key)}
                        onClick={() => onRemove(key)}
                      >
                        <Icon name="trash" />
                      </ActionIcon>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      <form
        className={`${layout.row} ${layout.add}`}
        onSubmit={(event) => {
          event.preventDefault();
          onSet(fresh.key, fromField(fresh.value));
          setFresh({ key: '', value: '' });
        }}
      >
        <TextInput
          className={layout.grow ?? ''}
          label={words.key}
          required
          value={fresh.key}
          onChange={(event) => setFresh({ ...fresh, key: event.currentTarget.value })}
        />
        <TextInput
          className={layout.grow ?? ''}
          label={words.value}
          placeholder={words.valueHint}
          value={fresh.value}
          onChange={(event) => setFresh({ ...fresh, value: event.currentTarget.value })}
        />
        <Button type="submit" variant="default" loading={pending}>
          {words.add}
        </Button>
      </form>
    </>
  );
}

function History({ onUndo }: { onUndo: (change: MetaChange) => void }) {
  const { device } = useDevice();
  const history = useQuery(metaHistoryQuery(device.id));
  return (
    <section className={layout.card}>
      <h2>{words.history}</h2>
      {history.isError && <Failure error={history.error} />}
      {history.data?.length === 0 && <p className="soft">{words.historyNone}</p>}
      {history.data !== undefined && history.data.length > 0 && (
        <Scroll label={words.history}>
          <table className={`${layout.table} ${layout.stacked}`}>
            <thead>
              <tr>
                <th>{words.time}</th>
                <th>{words.by}</th>
                <th>{words.key}</th>
                <th>{words.before}</th>
                <th>{words.after}</th>
                <th>
                  <span className="visually-hidden">{words.reset}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {history.data.map((change) => (
                <tr key={`${change.time} ${change.key} ${JSON.stringify(change.after)}`}>
                  <td>
                    <When time={change.time} />
                  </td>
                  <td data-label={words.by}>{change['by-nick'] || change.by}</td>
                  <td className={`mono ${layout.key}`} data-label={words.key}>
                    {change.key}
                  </td>
                  <td className={layout.long} data-label={words.before}>
                    {change.before === undefined ? (
                      <span className={`soft ${layout.nowrap}`}>{words.unset}</span>
                    ) : (
                      asField(change.before)
                    )}
                  </td>
                  <td className={layout.long} data-label={words.after}>
                    {change.after === undefined ? (
                      <span className={`soft ${layout.nowrap}`}>{words.unset}</span>
                    ) : (
                      asField(change.after)
                    )}
                  </td>
                  <td className={`${layout.number} ${layout.corner}`}>
                    <ActionIcon
                      variant="subtle"
                      size="sm"
                      aria-label={`${words.reset}: ${change.key}`}
                      onClick={() => onUndo(change)}
                    >
                      <Icon name="undo" />
                    </ActionIcon>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  );
}

/** A reported value: members of an object line by line, everything else as it is. */
function Value({ value }: { value: unknown }) {
  const opened = typeof value === 'string' ? fromField(value) : value;
  if (typeof opened !== 'object' || opened === null || Array.isArray(opened))
    return <span className="mono">{asField(value)}</span>;
  return (
    <ul className={layout.list}>
      {Object.entries(opened).map(([name, member]) => (
        <li key={name} className="mono">
          <span className="soft">{name}</span> {asField(member)}
        </li>
      ))}
    </ul>
  );
}

/** Metadata of a device: what its owner tells it, what it tells, and who changed what. */
export function MetadataPage() {
  const { device } = useDevice();
  const queryClient = useQueryClient();
  const notices = useNotices();
  const global = useQuery({
    queryKey: ['global-meta'],
    queryFn: () => hub.call(profileRoutes.getMeta).catch(() => ({})),
  });
  const inherited = new Set(
    Object.entries(global.data ?? {})
      .filter(([key, value]) => JSON.stringify(device['user-meta'][key]) === JSON.stringify(value))
      .map(([key]) => key),
  );
  const refresh = () => queryClient.invalidateQueries({ queryKey: ['device'] });
  const set = useMutation({
    mutationFn: (change: JsonMap) => hub.call(deviceRoutes.patchUserMeta, { params: { id: device.id }, body: change }),
    onSuccess: (_answer, change) => {
      notices.done(words.saved(Object.keys(change).join(', ')));
      return refresh();
    },
    onError: notices.failed,
  });
  const remove = useMutation({
    // Only the whole map can lose a key; what is inherited does not belong into it.
    mutationFn: async (key: string) => {
      const now = await hub.call(deviceRoutes.get, { params: { id: device.id } });
      const own = Object.entries(now['user-meta']).filter(([name]) => name !== key && !inherited.has(name));
      return hub.call(deviceRoutes.putUserMeta, { params: { id: device.id }, body: Object.fromEntries(own) });
    },
    onSuccess: (_answer, key) => {
      notices.done(words.removed(key));
      return refresh();
    },
    onError: notices.failed,
  });
  const undo = ({ key, before }: MetaChange) =>
    before === undefined ? remove.mutate(key) : set.mutate({ [key]: before });
  const reported = Object.entries(device['device-meta']);
  return (
    <div className={layout.stack}>
      <section className={layout.card}>
        <h2>{words.user}</h2>
        <p className={layout.hint}>{words.userHint}</p>
        <MetaEditor
          values={device['user-meta']}
          inherited={inherited}
          pending={set.isPending}
          onSet={(key, value) => set.mutate({ [key]: value })}
          onRemove={(key) => remove.mutate(key)}
        />
      </section>
      <section className={layout.card}>
        <h2>{words.device}</h2>
        <p className={layout.hint}>{reported.length === 0 ? words.noneDevice : words.deviceHint}</p>
        <Scroll label={words.device}>
          <table className={`${layout.table} ${layout.stacked}`}>
            <tbody>
              {reported.map(([key, value]) => (
                <tr key={key}>
                  <th scope="row" className={`mono ${layout.key}`}>
                    {key}
                  </th>
                  <td className={layout.long}>
                    <Value value={value} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      </section>
      <History onUndo={undo} />
    </div>
  );
}
