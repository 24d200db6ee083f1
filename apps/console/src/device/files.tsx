import { ActionIcon, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { LoadFailure, Loading } from '../frame/states.tsx';
import { contentAddress, objectsQuery, stepQuery } from '../hub/device.ts';
import layout from '../look/layout.module.css';
import { Icon } from '../show/icon.tsx';
import { Empty } from '../show/messages.tsx';
import { Scroll } from '../show/scroll.tsx';
import { Hash, Size } from '../show/values.tsx';
import { deviceText } from '../text/index.ts';
import { useDevice } from './context.tsx';
import { saveAs } from './save.ts';

/** Every file of a revision, to look at and download. */
export function FilesPage() {
  const { device, rev } = useDevice();
  const { find = '' } = useSearch({ strict: false }) as { find?: string };
  const navigate = useNavigate();
  const step = useQuery({ ...stepQuery(device.id, rev ?? 0), enabled: rev !== undefined });
  const objects = useQuery({ ...objectsQuery(device.id, rev ?? 0), enabled: rev !== undefined });
  if (rev === undefined) return <Empty icon="file" title={deviceText.noRevision} />;
  if (step.isError) return <LoadFailure error={step.error} onRetry={() => void step.refetch()} />;
  if (step.data === undefined) return <Loading />;
  const { state } = step.data;
  const keys = Object.keys(state).filter((key) => key !== '#spec' && key.toLowerCase().includes(find.toLowerCase()));
  return (
    <section className={layout.card}>
      <TextInput
        aria-label={deviceText.files.filter}
        placeholder={deviceText.files.filter}
        leftSection={<Icon name="search" />}
        value={find}
        onChange={(event) => {
          const text = event.currentTarget.value;
          void navigate({
            to: '.',
            search: (old: object) => ({ ...old, find: text || undefined }) as never,
            replace: true,
          });
        }}
      />
      {keys.length === 0 && <p className="soft">{deviceText.files.none}</p>}
      <Scroll label={deviceText.tabs.files}>
        <table className={layout.table}>
          <thead>
            <tr>
              <th>{deviceText.files.name}</th>
              <th>{deviceText.files.hash}</th>
              <th className={layout.number}>{deviceText.files.size}</th>
              <th>
                <span className="visually-hidden">{deviceText.state.download}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {keys.map((key) => {
              const object = objects.data?.get(key);
              const inline = key.endsWith('.json');
              const text = inline ? JSON.stringify(state[key], undefined, 2) : '';
              const name = key.split('/').at(-1) ?? key;
              return (
                <tr key={key}>
                  <td className={layout.long}>{key}</td>
                  <td>
                    {inline ? (
                      <span className="soft">{deviceText.files.inline}</span>
                    ) : (
                      <Hash value={String(state[key])} />
                    )}
                  </td>
                  <td className={layout.number}>
                    {inline ? (
                      <Size bytes={text.length} />
                    ) : object === undefined ? (
                      '…'
                    ) : (
                      <Size bytes={object.sizeint} />
                    )}
                  </td>
                  <td className={layout.number}>
                    {inline ? (
                      <ActionIcon
                        variant="subtle"
                        size="sm"
                        aria-label={deviceText.files.download(key)}
                        onClick={() => saveAs(name, text, 'application/json')}
                      >
                        <Icon name="download" />
                      </ActionIcon>
                    ) : (
                      object !== undefined && (
                        <ActionIcon
                          variant="subtle"
                          size="sm"
                          component="a"
                          href={contentAddress(object)}
                          download={name}
                          aria-label={deviceText.files.download(key)}
                        >
                          <Icon name="download" />
                        </ActionIcon>
                      )
                    )}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}
