import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import type { Logger } from 'pino';

export interface Mail {
  to: string;
  subject: string;
  text: string;
}

/** Sends mails; a failure is logged and never fails the request that caused the mail. */
export interface Mailer {
  send(mail: Mail): Promise<void>;
}

/**
 * Chooses the way mails go.
 * @param way `console`, `file` (one .eml file each in `folder`) or an `smtp:`/`smtps:` address
 */
export function makeMailer(way: string, from: string, folder: string, log: Logger): Mailer {
  const deliver = delivery(way, from, folder, log);
  return {
    async send(mail) {
      try {
        await deliver(mail);
      } catch (error) {
        log.error({ err: error, subject: mail.subject }, 'cannot send a mail');
      }
    },
  };
}

function delivery(way: string, from: string, folder: string, log: Logger): (mail: Mail) => Promise<void> {
  if (way === 'console') return async (mail) => log.info({ mail }, 'mail');
  if (way === 'file')
    return async ({ to, subject, text }) => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const safe = (line: string) => line.replaceAll(/[\r\n]+/g, ' ');
      const name = `${new Date().toISOString().replaceAll(':', '-')}-${safe(to).replaceAll(/[^\w@.-]/g, '_')}.eml`;
      const content = `From: ${safe(from)}\r\nTo: ${safe(to)}\r\nSubject: ${safe(subject)}\r\n\r\n${text}\r\n`;
      await writeFile(join(folder, name), content, { mode: 0o600 });
      log.info({ file: join(folder, name), subject }, 'mail written');
    };
  if (!/^smtps?:\/\//.test(way)) throw new Error('cannot send mail: setting mail must be console, file or smtp://…');
  const transport = createTransport(way);
  return async ({ to, subject, text }) => {
    await transport.sendMail({ from, to, subject, text });
  };
}
