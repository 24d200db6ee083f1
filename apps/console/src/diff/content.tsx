import { diffLines } from 'diff';
import { useEffect, useState } from 'react';
import { Failure } from '../show/messages.tsx';
import { Scroll, ScrollText } from '../show/scroll.tsx';
import { Hash } from '../show/values.tsx';
import { diffText } from '../text/index.ts';
import { compareJson, type Side } from './compare.ts';
import classes from './diff.module.css';

/** Larger files are compared by size and hash; bytes. */
export const largestText = 256 * 1024;

/** Fetches a file of one side as text; undefined when it is no text. */
export type FetchText = (side: 'before' | 'after', key: string) => Promise<string | undefined>;

/** Bytes as text, when they are UTF-8 without control characters. */
export function decodeText(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what tells text from other files
    return /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

function JsonChanges({ before, after }: { before: unknown; after: unknown }) {
  const changes = compareJson(before, after);
  const cell = (value: string | undefined) =>
    value === undefined ? <span className="soft">{diffText.absent}</span> : <pre>{value}</pre>;
  return (
    <Scroll label={diffText.jsonKey}>
      <table className={classes.members}>
        <thead>
          <tr>
            <th>{diffText.jsonKey}</th>
            <th>{diffText.before}</th>
            <th>{diffText.after}</th>
          </tr>
        </thead>
        <tbody>
          {changes.map((change) => (
            <tr key={change.path}>
              <th scope="row">{change.path}</th>
              <td data-side={change.before === undefined ? undefined : 'removed'}>{cell(change.before)}</td>
              <td data-side={change.after === undefined ? undefined : 'added'}>{cell(change.after)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** Unchanged lines that stay on each side of a change. */
const context = 3;

/** Lines of two texts: what went, what came, and a little around it. */
export function TextChanges({ before, after }: { before: string; after: string }) {
  const pieces = diffLines(before, after);
  return (
    <ScrollText className={classes.text}>
      {pieces.map((piece, index) => {
        const lines = piece.value.replace(/\n$/, '').split('\n');
        const key = `${index}`;
        if (piece.added) return <ins key={key}>{lines.map((line) => `+ ${line}\n`)}</ins>;
        if (piece.removed) return <del key={key}>{lines.map((line) => `- ${line}\n`)}</del>;
        const head = index === 0 ? [] : lines.slice(0, context);
        const tail = index === pieces.length - 1 ? [] : lines.slice(Math.max(head.length, lines.length - context));
        const left = lines.length - head.length - tail.length;
        return (
          <span key={key}>
            {head.map((line) => `  ${line}\n`)}
            {left > 0 && <span className="soft">{`${diffText.context(left)}\n`}</span>}
            {tail.map((line) => `  ${line}\n`)}
          </span>
        );
      })}
    </ScrollText>
  );
}

function Sides({ name, before, after, why }: { name: string; before: Side; after: Side; why: string }) {
  const hash = ({ state }: Side) =>
    Object.hasOwn(state, name) ? <Hash value={String(state[name])} /> : <span className="soft">{diffText.absent}</span>;
  return (
    <p>
      <span className="soft">{why}</span> {hash(before)} → {hash(after)}
    </p>
  );
}

function ObjectContent({ name, before, after, fetchText }: ContentProps) {
  const [found, setFound] = useState<{ before: string | undefined; after: string | undefined }>();
  const [error, setError] = useState<unknown>();
  const large = [before, after].some(({ sizes }) => (sizes.get(name) ?? 0) > largestText);
  useEffect(() => {
    if (large) return;
    let gone = false;
    const get = (side: 'before' | 'after', { state }: Side) =>
      Object.hasOwn(state, name) ? fetchText(side, name) : Promise.resolve('');
    Promise.all([get('before', before), get('after', after)]).then(
      ([was, is]) => !gone && setFound({ before: was, after: is }),
      (problem: unknown) => !gone && setError(problem),
    );
    return () => {
      gone = true;
    };
  }, [name, before, after, fetchText, large]);
  if (large) return <Sides name={name} before={before} after={after} why={diffText.tooLarge(largestText)} />;
  if (error !== undefined) return <Failure error={error} />;
  if (found === undefined) return <p className="soft">{diffText.loading}</p>;
  if (found.before === undefined || found.after === undefined)
    return <Sides name={name} before={before} after={after} why={diffText.binary} />;
  return <TextChanges before={found.before} after={found.after} />;
}

interface ContentProps {
  name: string;
  before: Side;
  after: Side;
  fetchText: FetchText;
}

/** The content of a file on both sides: JSON by member, text by line, everything else by size and hash. */
export function FileContent(props: ContentProps) {
  const { name, before, after } = props;
  if (name.endsWith('.json') || name === '#spec')
    return <JsonChanges before={before.state[name]} after={after.state[name]} />;
  return <ObjectContent {...props} />;
}
