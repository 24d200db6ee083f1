import { Button } from '@mantine/core';
import { listParts, type Problem } from '@pantavisor/state';
import { stateText } from '../device/outline.ts';
import layout from '../look/layout.module.css';
import { Icon } from '../show/icon.tsx';
import { StatusMark } from '../show/status.tsx';
import { deviceText, diffText, editorText } from '../text/index.ts';
import { changeOf, type Draft } from './draft.ts';
import classes from './editor.module.css';
import { problemsOf } from './places.ts';

interface TreeProps {
  draft: Draft;
  problems: readonly Problem[];
  chosen: string | undefined;
  onChoose: (key: string) => void;
  onAdd: () => void;
  onRemoveApp: (app: string) => void;
}

/** Files of a revision by app, with what became of each. */
export function FileTree({ draft, problems, chosen, onChoose, onAdd, onRemoveApp }: TreeProps) {
  const all = Object.fromEntries([...Object.keys(draft.base), ...draft.changes.keys()].sort().map((key) => [key, '']));
  const parts = listParts(stateText(all)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return (
    <nav className={classes.tree} aria-label={editorText.files}>
      <Button size="compact-sm" variant="default" leftSection={<Icon name="claim" />} onClick={onAdd}>
        {editorText.addFile}
      </Button>
      {parts.map((part) => {
        const keys = [...part.keys, ...part.config, ...(part.signature === undefined ? [] : [part.signature])].filter(
          (key) => key !== '#spec',
        );
        if (keys.length === 0) return null;
        return (
          <details key={part.name} open className={classes.part}>
            <summary>{part.name === '' ? diffText.kinds.root : part.name}</summary>
            <ul className={layout.list}>
              {keys.map((key) => {
                const change = changeOf(draft, key);
                const wrong = problemsOf(problems, key).some(({ severity }) => severity === 'error');
                const name =
                  part.name !== '' && key.startsWith(`${part.name}/`) ? key.slice(part.name.length + 1) : key;
                return (
                  <li key={key}>
                    <button
                      type="button"
                      className={classes.leaf}
                      aria-current={key === chosen ? 'true' : undefined}
                      onClick={() => onChoose(key)}
                    >
                      {wrong && <StatusMark kind="failed" />}
                      <span className={classes.leafName} data-change={change}>
                        {name}
                      </span>
                      {change !== undefined && <span className="soft">{editorText[change]}</span>}
                      {wrong && <span className="visually-hidden">{deviceText.problems}</span>}
                    </button>
                  </li>
                );
              })}
            </ul>
            {part.kind === 'container' && (
              <Button
                variant="subtle"
                color="red"
                size="compact-xs"
                leftSection={<Icon name="trash" size={12} />}
                aria-label={`${editorText.removeApp} ${part.name}`}
                onClick={() => onRemoveApp(part.name)}
              >
                {editorText.removeApp}
              </Button>
            )}
          </details>
        );
      })}
    </nav>
  );
}
