/** The engine's tables as Markdown and Mermaid, so that the documentation is drawn from what decides. */
import { containerStatuses } from './protocol.ts';
import { requestTable } from './requests.ts';
import { statusDiagram } from './status.ts';
import { admissionTable } from './updates/commands.ts';
import { type FailureCode, failureTable } from './updates/failures.ts';
import { messagesOf, type ProgressStatus, progressMessages, progressNumbers } from './updates/progress.ts';
import { resumeTable, resumeVerdicts } from './updates/resume.ts';

type Cell = string | number;

function table(head: string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]) =>
    `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return `${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n`;
}

const code = (text: string) => `\`${text}\``;

/** What each document shows, by name. */
export interface EngineTables {
  /** Mermaid. */
  statusDiagram: string;
  /** Requests of people for a container, by its status. */
  requests: string;
  /** Statuses of a revision with their numbers and messages. */
  progress: string;
  /** Everything that ends an update badly. */
  failures: string;
  /** What a start of the runtime makes of what it finds. */
  resume: string;
  /** Which commands are refused when. */
  admission: string;
}

/** All tables. Pure: the same text as long as the tables are the same. */
export function engineTables(): EngineTables {
  return {
    statusDiagram: statusDiagram(),
    requests: table(
      ['Status', 'stop', 'start', 'restart'],
      containerStatuses.map((status) => [
        code(status),
        requestTable.stop[status],
        requestTable.start[status],
        requestTable.restart[status],
      ]),
    ),
    progress: table(
      ['Status', 'Number', 'Messages'],
      (Object.keys(progressNumbers) as ProgressStatus[]).map((status) => [
        code(status),
        progressNumbers[status],
        messagesOf[status].map((message) => code(progressMessages[message])).join(', '),
      ]),
    ),
    failures: table(
      ['Code', 'While prepared', 'While tried', 'Message'],
      (Object.keys(failureTable) as FailureCode[]).map((failure) => {
        const rule: { installing?: string; trying?: string; message: keyof typeof progressMessages } =
          failureTable[failure];
        return [code(failure), rule.installing ?? '–', rule.trying ?? '–', code(progressMessages[rule.message])];
      }),
    ),
    resume: table(
      ['First row that holds', 'Verdict', 'Means'],
      resumeTable.map(({ rule, verdict }) => [rule, code(verdict), resumeVerdicts[verdict]]),
    ),
    admission: table(
      ['Code', 'Status', 'Retry-After', 'Text'],
      admissionTable.map((rule) => [
        code(rule.code),
        rule.status,
        'retryAfter' in rule ? rule.retryAfter : '–',
        rule.text,
      ]),
    ),
  };
}
