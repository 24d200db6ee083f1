import { Button, FileButton, Modal, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useBlocker, useNavigate, useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from 'react';
import { useDevice } from '../device/context.tsx';
import { readState } from '../device/outline.ts';
import { Problems } from '../device/problems.tsx';
import { decodeText, largestText } from '../diff/content.tsx';
import { useNotices } from '../frame/notices.tsx';
import { LoadFailure, Loading } from '../frame/states.tsx';
import { contentAddress, objectsQuery, stepQuery } from '../hub/device.ts';
import layout from '../look/layout.module.css';
import { Empty } from '../show/messages.tsx';
import { StatusMark } from '../show/status.tsx';
import { deviceText, editorText } from '../text/index.ts';
import {
  applyDraft,
  breaksSignatures,
  type Change,
  type Draft,
  isJsonKey,
  jsonText,
  withChange,
  withoutApp,
} from './draft.ts';
import classes from './editor.module.css';
import { hashOf } from './hash.ts';
import { problemsOf } from './places.ts';
import { Review } from './review.tsx';
import { FileTree } from './tree.tsx';

const Code = lazy(() => import('./code.tsx').then(({ Code: component }) => ({ default: component })));
const encoder = new TextEncoder();
const none = new Map<string, Change>();

const objectChange = (content: Uint8Array<ArrayBuffer>, text?: string): Change => ({
  kind: 'object',
  sha: hashOf(content),
  content,
  ...(text === undefined ? {} : { text }),
});

/** What typing a text into a file makes of it; undefined while JSON is unfinished and nothing was there before. */
function changeFor(draft: Draft, key: string, text: string): Change {
  if (!isJsonKey(key)) return objectChange(encoder.encode(text), text);
  const before = draft.changes.get(key);
  try {
    return { kind: 'json', text, value: JSON.parse(text) };
  } catch {
    return { kind: 'json', text, value: before?.kind === 'json' ? before.value : (draft.base[key] ?? {}) };
  }
}

const isUnfinished = (change: Change | undefined): boolean => {
  if (change?.kind !== 'json') return false;
  try {
    JSON.parse(change.text);
    return false;
  } catch {
    return true;
  }
};

/** The content of an object of the base as text; null when it is none, or too large. */
function useObjectText(key: string | undefined, wanted: boolean) {
  const { device, rev } = useDevice();
  const objects = useQuery({ ...objectsQuery(device.id, rev ?? 0), enabled: rev !== undefined });
  const object = key === undefined ? undefined : objects.data?.get(key);
  return useQuery({
    queryKey: ['content', object?.sha256sum],
    enabled: wanted && object !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () => {
      if (object === undefined || object.sizeint > largestText) return null;
      const response = await fetch(contentAddress(object));
      if (!response.ok) throw new Error(`cannot fetch ${key}: the hub answered ${response.status}`);
      return decodeText(new Uint8Array(await response.arrayBuffer())) ?? null;
    },
  });
}

function NewFile({ onAdd, onClose }: { onAdd: (key: string) => void; onClose: () => void }) {
  const [path, setPath] = useState('');
  return (
    <Modal opened onClose={onClose} title={editorText.addFile}>
      <form
        className={layout.form}
        onSubmit={(event) => {
          event.preventDefault();
          onAdd(path);
        }}
      >
        <TextInput
          label={editorText.newPath}
          description={editorText.newPathHint}
          required
          data-autofocus
          pattern="[^\/].*[^\/]"
          value={path}
          onChange={(event) => setPath(event.currentTarget.value)}
        />
        <Button type="submit">{editorText.add}</Button>
      </form>
    </Modal>
  );
}

function FilePane({
  draft,
  file,
  onChange,
}: {
  draft: Draft;
  file: string;
  onChange: (change: Change | undefined) => void;
}) {
  const notices = useNotices();
  const change = draft.changes.get(file);
  const inBase = Object.hasOwn(draft.base, file);
  const json = isJsonKey(file);
  const fetched = useObjectText(file, !json && inBase && change?.kind !== 'object');
  const state = useMemo(() => readState(applyDraft(draft)), [draft]);
  const problems = useMemo(() => problemsOf(state.problems, file), [state, file]);
  const text =
    change?.kind === 'json'
      ? change.text
      : change?.kind === 'object'
        ? (change.text ?? null)
        : json
          ? jsonText(draft.base[file] ?? {})
          : inBase
            ? fetched.data
            : '';
  const replace = async (chosen: File | null) => {
    if (chosen === null) return;
    try {
      const bytes = new Uint8Array(await chosen.arrayBuffer());
      onChange(objectChange(bytes, bytes.length > largestText ? undefined : decodeText(bytes)));
    } catch (error) {
      notices.failed(error);
    }
  };
  return (
    <div className={classes.pane}>
      <div className={layout.heading}>
        <h2 className="mono">{file}</h2>
        {change !== undefined && (
          <Button size="compact-sm" variant="default" onClick={() => onChange(undefined)}>
            {editorText.restore}
          </Button>
        )}
        {!json && (
          <FileButton onChange={(chosen) => void replace(chosen)}>
            {(props) => (
              <Button size="compact-sm" variant="default" {...props}>
                {editorText.replace}
              </Button>
            )}
          </FileButton>
        )}
        <Button size="compact-sm" variant="default" color="red" onClick={() => onChange({ kind: 'removed' })}>
          {editorText.remove}
        </Button>
      </div>
      {isUnfinished(change) && (
        <p className={classes.unfinished} role="status">
          <StatusMark kind="waiting" /> {editorText.badJson}
        </p>
      )}
      {change?.kind === 'removed' ? (
        <p className="soft">{editorText.removed}</p>
      ) : text === undefined ? (
        <Loading />
      ) : text === null ? (
        <p className="soft">{editorText.binary}</p>
      ) : (
        <div className={classes.code}>
          <Suspense fallback={<Loading />}>
            <Code
              key={`${file} ${change === undefined}`}
              name={file}
              text={text}
              label={file}
              problems={problems}
              onChange={(typed) => onChange(changeFor(draft, file, typed))}
            />
          </Suspense>
        </div>
      )}
    </div>
  );
}

/** Changes a revision in the browser: configuration, manifests, any file; checked as a device would, shown before it is deployed. */
export function EditorPage() {
  const { device, user, rev, newest, own } = useDevice();
  const { file, rev: asked } = useSearch({ from: '/framed/u/$user/devices/$device/edit' });
  const navigate = useNavigate();
  const step = useQuery({ ...stepQuery(device.id, rev ?? 0), enabled: rev !== undefined });
  const [draft, setDraft] = useState<Draft & { rev: number }>();
  const [adding, setAdding] = useState(false);
  const [reviewing, setReviewing] = useState(false);
  const loaded = step.data;
  useEffect(() => {
    // A revision that is posted meanwhile does not take the changes away: the base stays what it was.
    if (loaded !== undefined) setDraft((old) => old ?? { base: loaded.state, changes: none, rev: loaded.rev });
  }, [loaded]);
  const dirty = (draft?.changes.size ?? 0) > 0;
  useBlocker({
    shouldBlockFn: ({ current, next }) =>
      dirty && !reviewing && current.pathname !== next.pathname && !window.confirm(editorText.leave),
    enableBeforeUnload: () => dirty,
  });
  const choose = useCallback(
    (key: string | undefined) =>
      void navigate({
        to: '.',
        search: {
          ...(asked === undefined ? {} : { rev: asked }),
          ...(key === undefined ? {} : { file: key }),
        } as never,
        replace: true,
      }),
    [navigate, asked],
  );
  if (!own) return <LoadFailure error={new Error(deviceText.private)} />;
  if (rev === undefined) return <Empty icon="edit" title={deviceText.noRevision} />;
  if (step.isError) return <LoadFailure error={step.error} onRetry={() => void step.refetch()} />;
  if (draft === undefined) return <Loading />;
  const change = (key: string, to: Change | undefined) => setDraft({ ...withChange(draft, key, to), rev: draft.rev });
  const state = applyDraft(draft);
  const { problems } = readState(state);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const unfinished = [...draft.changes.values()].some(isUnfinished);
  return (
    <div className={layout.stack}>
      <div className={layout.heading}>
        <h2>{editorText.title(draft.rev)}</h2>
        <span className="soft">{dirty ? `${draft.changes.size} ${editorText.changed}` : editorText.nothing}</span>
        <span className={layout.end} />
        {dirty && (
          <Button variant="default" onClick={() => setDraft({ ...draft, changes: none })}>
            {editorText.discard}
          </Button>
        )}
        <Button disabled={!dirty || unfinished} onClick={() => setReviewing(true)}>
          {editorText.review}
        </Button>
      </div>
      {newest !== undefined && newest > draft.rev && asked === undefined && (
        <p className={classes.unfinished}>{editorText.newer(newest)}</p>
      )}
      {breaksSignatures(draft) && <p className={classes.unfinished}>{editorText.signed}</p>}
      <div className={classes.columns}>
        <FileTree
          draft={draft}
          problems={problems}
          chosen={file}
          onChoose={choose}
          onAdd={() => setAdding(true)}
          onRemoveApp={(app) => setDraft({ ...withoutApp(draft, app), rev: draft.rev })}
        />
        {file === undefined ? (
          <Empty icon="edit" title={editorText.choose} />
        ) : (
          <FilePane key={file} draft={draft} file={file} onChange={(to) => change(file, to)} />
        )}
      </div>
      {problems.length === 0 ? (
        <p className="soft">
          <StatusMark kind="good" /> {editorText.noProblems}
        </p>
      ) : (
        <Problems
          problems={problems}
          title={`${editorText.problems}: ${editorText.errors(errors)}, ${editorText.warnings(problems.length - errors)}`}
          onOpen={choose}
        />
      )}
      {adding && (
        <NewFile
          onClose={() => setAdding(false)}
          onAdd={(key) => {
            setAdding(false);
            change(
              key,
              isJsonKey(key) ? { kind: 'json', text: '{}\n', value: {} } : objectChange(encoder.encode(''), ''),
            );
            choose(key);
          }}
        />
      )}
      {reviewing && (
        <Review
          state={state}
          draft={draft}
          errors={errors}
          onClose={() => setReviewing(false)}
          onDone={() => {
            setDraft(undefined);
            void navigate({ to: '/u/$user/devices/$device', params: { user, device: device.id } });
          }}
        />
      )}
    </div>
  );
}
