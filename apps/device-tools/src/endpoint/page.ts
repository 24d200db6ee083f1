/** The web page: files of one folder. */
import type { ToolHost } from '../host/ports.ts';
import type { Answer, Request } from './http-server.ts';

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};

/** Undefined when there is no such file. */
export async function answerPage(
  { files }: ToolHost,
  folder: string,
  { method, path }: Request,
): Promise<Answer | undefined> {
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  if (path === '/' || path === '/app') return { status: 302, headers: { Location: '/app/' } };
  const [matched, name = 'index.html'] = /^\/app\/([a-z]+\.(?:html|js|css))?$/.exec(path) ?? [];
  if (matched === undefined || !files.exists(`${folder}/${name}`)) return undefined;
  const type = types[name.slice(name.lastIndexOf('.') + 1)]!;
  return { status: 200, headers: { 'Content-Type': type }, body: await files.readText(`${folder}/${name}`) };
}
