import { useMemo, useState } from 'react';
import layout from '../look/layout.module.css';
import { diffText } from '../text/index.ts';
import { type Comparison, compareStates, type FileChange, type Side } from './compare.ts';
import { type FetchText, FileContent } from './content.tsx';
import classes from './diff.module.css';

function Meaning({ comparison }: { comparison: Comparison }) {
  const { download, transition } = comparison;
  const some = (names: string[], say: (names: string) => string) =>
    names.length === 0 ? null : <li>{say(names.join(', '))}</li>;
  return (
    <section className={layout.card} aria-label={diffText.summary}>
      <h2>{diffText.summary}</h2>
      <ul className={classes.meaning}>
        <li>{download === 0 ? diffText.nothingToDownload : diffText.download(download)}</li>
        {transition === undefined ? (
          <li>{diffText.unreadable}</li>
        ) : (
          <>
            <li>
              <strong>{transition.kind === 'reboot' ? diffText.reboot : diffText.inPlace}</strong>
            </li>
            {some(transition.restart, diffText.restarts)}
            {some(transition.start, diffText.starts)}
            {some(transition.remove, diffText.removes)}
          </>
        )}
      </ul>
      {transition !== undefined && transition.reasons.length > 0 && (
        <details>
          <summary>{diffText.why}</summary>
          <ul className={classes.reasons}>
            {transition.reasons.map(({ path, message }) => (
              <li key={`${path} ${message}`}>{message}</li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function File({
  file,
  before,
  after,
  fetchText,
}: {
  file: FileChange;
  before: Side;
  after: Side;
  fetchText: FetchText;
}) {
  const [open, setOpen] = useState(false);
  const id = `content-${file.key}`;
  return (
    <li className={classes.file}>
      <div className={classes.line}>
        <button
          type="button"
          className={classes.toggle}
          aria-expanded={open}
          aria-controls={id}
          onClick={() => setOpen(!open)}
        >
          <span aria-hidden="true">{open ? '▾' : '▸'}</span> {file.key}
        </button>
        <span className={classes.change} data-change={file.change}>
          {diffText.change[file.change]}
        </span>
        <span className="soft">{diffText.sizeChange(file.sizeBefore, file.sizeAfter)}</span>
      </div>
      {open && (
        <div id={id}>
          <FileContent name={file.key} before={before} after={after} fetchText={fetchText} />
        </div>
      )}
    </li>
  );
}

/**
 * What differs between two revisions, at three levels: what it means for a device, part by part and file by file, and the
 * content of each file.
 */
export function DiffView({ before, after, fetchText }: { before: Side; after: Side; fetchText: FetchText }) {
  const comparison = useMemo(() => compareStates(before, after), [before, after]);
  if (comparison.parts.length === 0) return <p role="status">{diffText.same}</p>;
  return (
    <div className={layout.stack}>
      <Meaning comparison={comparison} />
      {comparison.parts.map((part) => (
        <section key={part.name} className={layout.card}>
          <div className={layout.heading}>
            <h2>{part.name === '' ? diffText.kinds.root : part.name}</h2>
            <span className={classes.change} data-change={part.change}>
              {diffText.change[part.change]}
            </span>
            <span className="soft">
              {part.name === '' ? '' : `${diffText.kinds[part.kind]}, `}
              {diffText.files(part.files.length)}
            </span>
          </div>
          <ul className={layout.list}>
            {part.files.map((file) => (
              <File
                key={`${file.key} ${file.change}`}
                file={file}
                before={before}
                after={after}
                fetchText={fetchText}
              />
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}
