import { autocompletion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import { json } from '@codemirror/lang-json';
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { lintGutter, setDiagnostics } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { Problem } from '@pantavisor/state';
import { basicSetup } from 'codemirror';
import { useEffect, useRef } from 'react';
import { cursorPlace, placeOf } from './places.ts';
import { schemaOf, suggestNames, suggestValues } from './schemas.ts';

/** Suggestions of the schema of a file, for where the cursor is. */
function complete(key: string, context: CompletionContext): CompletionResult | null {
  const schema = schemaOf(key);
  if (schema === undefined) return null;
  const text = context.state.doc.toString();
  const place = cursorPlace(text, context.pos);
  if (!context.explicit && place.typed === '' && text[context.pos - 1] !== '"') return null;
  const after = text[context.pos] === '"' ? 1 : 0;
  const to = context.pos + (text[place.from] === '"' ? after : 0);
  if (place.due === 'name') {
    const names = suggestNames(schema, place.path).filter((one) => !place.present.includes(one.text));
    return {
      from: place.from,
      to,
      filter: false,
      options: names
        .filter((one) => one.text.startsWith(place.typed))
        .map((one) => ({ label: one.text, apply: `${JSON.stringify(one.text)}: `, info: one.about, type: 'property' })),
    };
  }
  const options = suggestValues(schema, place.path)
    .filter(({ text: value }) => value.replaceAll('"', '').startsWith(place.typed))
    .map(({ text: value }) => ({ label: value, type: 'constant' }));
  return options.length === 0 ? null : { from: place.from, to, filter: false, options };
}

const look = EditorView.theme({
  '&': { fontSize: '13px', height: '100%', backgroundColor: 'var(--paper)', color: 'var(--ink)' },
  '.cm-content': { fontFamily: 'var(--mono)', caretColor: 'var(--ink)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-gutters': {
    backgroundColor: 'var(--paper-sunk)',
    color: 'var(--ink-soft)',
    borderRight: '1px solid var(--line)',
  },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--paper-sunk)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'var(--accent-soft)',
  },
  '.cm-tooltip': {
    backgroundColor: 'var(--paper-raised)',
    color: 'var(--ink)',
    border: '1px solid var(--line-strong)',
  },
  '.cm-panels': { backgroundColor: 'var(--paper-sunk)', color: 'var(--ink)' },
});

/** Colours that are legible in both schemes. */
const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: 'var(--accent)' },
  { tag: tags.string, color: 'var(--good)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--moving)' },
]);

interface CodeProps {
  /** key of the state */
  name: string;
  text: string;
  label: string;
  problems: readonly Problem[];
  onChange: (text: string) => void;
}

/** An editor for one file: JSON with completion from its schema, problems where they are. */
export function Code({ name, text, label, problems, onChange }: CodeProps) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | undefined>(undefined);
  const change = useRef(onChange);
  change.current = onChange;
  const first = useRef(text);
  first.current = text;
  useEffect(() => {
    if (box.current === null) return;
    const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.nonce ?? '';
    const isJson = name.endsWith('.json');
    const made = new EditorView({
      parent: box.current,
      state: EditorState.create({
        doc: first.current,
        extensions: [
          EditorView.cspNonce.of(nonce),
          basicSetup,
          look,
          syntaxHighlighting(colours),
          lintGutter(),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': label }),
          ...(isJson ? [json(), autocompletion({ override: [(context) => complete(name, context)] })] : []),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) change.current(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = made;
    return () => {
      view.current = undefined;
      made.destroy();
    };
  }, [name, label]);
  useEffect(() => {
    const editor = view.current;
    if (editor === undefined) return;
    const doc = editor.state.doc.toString();
    const diagnostics = problems.map(({ path, message, hint, severity }) => ({
      ...placeOf(doc, path),
      severity,
      message: hint === undefined ? message : `${message} (${hint})`,
    }));
    editor.dispatch(setDiagnostics(editor.state, diagnostics));
  }, [problems]);
  return <div ref={box} className="code-editor" />;
}
