import type { Problem } from '@pantavisor/state';
import layout from '../look/layout.module.css';
import { StatusMark } from '../show/status.tsx';

/** What is wrong or doubtful in a state, each with its place and what to do. */
export function Problems({
  problems,
  title,
  onOpen,
}: {
  problems: readonly Problem[];
  title: string;
  onOpen?: (key: string) => void;
}) {
  return (
    <section className={layout.card} aria-label={title}>
      <h2>{title}</h2>
      <ul className={layout.list}>
        {problems.map((problem) => {
          const key = keyOf(problem.path);
          return (
            <li key={`${problem.path} ${problem.rule} ${problem.message}`} className={layout.row}>
              <StatusMark kind={problem.severity === 'error' ? 'failed' : 'waiting'} />
              {onOpen !== undefined && key !== '' ? (
                <button type="button" className="link-button mono" onClick={() => onOpen(key)}>
                  {key}
                </button>
              ) : (
                <span className="mono">{problem.path || '/'}</span>
              )}
              <span className={layout.grow}>
                {problem.message}
                {problem.hint !== undefined && <span className="soft"> ({problem.hint})</span>}
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** Key of the state that a JSON Pointer begins with (RFC 6901). */
export function keyOf(pointer: string): string {
  const first = pointer.split('/')[1] ?? '';
  return first.replaceAll('~1', '/').replaceAll('~0', '~');
}
