/**
 * The page where somebody who signs up proves to be a person. Scripts of the captcha's provider run here, so there is nothing else
 * in it: what was typed comes sealed in the fragment of the address, and the page may ask the hub for one thing only.
 */
import '../look/tokens.css';
import './captcha.css';
import type { HubAbout } from '@pantavisor/hub-api';
import { session as words } from '../text/session.ts';

/** What the scripts of providers call and offer; all have the form of reCAPTCHA's. */
interface Widgets {
  captchaSolved?: (response: string) => void;
  captchaFailed?: () => void;
  grecaptcha?: { reset?: () => void };
  hcaptcha?: { reset?: () => void };
  turnstile?: { reset?: () => void };
}
const widgets = window as unknown as Widgets;
/** Each script draws into the elements of its own class. */
const classesOfProviders = 'g-recaptcha h-captcha cf-turnstile';

const main = document.getElementById('captcha') as HTMLElement;

function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<HTMLElementTagNameMap[Name]>,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

const status = element('p', { role: 'status' });
const alert = element('p', { role: 'alert', className: 'failure' });

function show(...content: (Node | string)[]): void {
  main.replaceChildren(
    element('div', { className: 'brand' }, element('img', { src: '/console/icon.svg', alt: '' }), 'Pantahub'),
    element('section', { className: 'card' }, element('h1', { textContent: words.captchaTitle }), ...content),
    element('a', { href: '/login', textContent: words.logIn }),
  );
}

/** The sealed sign-up, from the fragment, which browsers send nowhere; it leaves the address bar at once. */
function takeAccount(): string {
  const account = new URLSearchParams(location.hash.slice(1)).get('account') ?? '';
  if (account !== '') history.replaceState(undefined, '', location.pathname);
  return account;
}

/** @returns why the hub refused, or undefined */
async function signUp(account: string, captcha: string): Promise<string | undefined> {
  const response = await fetch('/auth/accounts', {
    method: 'POST',
    credentials: 'omit',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ 'encrypted-account': account, captcha }),
  });
  if (response.ok) return undefined;
  const body = (await response.json().catch(() => ({}))) as { msg?: string; Error?: string };
  return body.msg ?? body.Error ?? `cannot make the account: the hub answered ${response.status}`;
}

async function begin(): Promise<void> {
  const account = takeAccount();
  const about = (await (await fetch('/about', { credentials: 'omit' })).json()) as HubAbout;
  const widget = about['captcha-widget'];
  if (account === '' || widget === undefined) {
    show(widget === undefined ? words.captchaNeeded : words.captchaBroken);
    main.append(element('a', { href: '/signup', textContent: words.signUp }));
    return;
  }
  const box = element('div', { className: classesOfProviders });
  box.dataset.sitekey = widget['site-key'];
  box.dataset.callback = 'captchaSolved';
  box.dataset.errorCallback = 'captchaFailed';
  box.dataset.theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  show(element('p', { textContent: words.captchaWhy }), box, status, alert);
  widgets.captchaFailed = () => {
    alert.textContent = words.captchaUnreachable;
  };
  widgets.captchaSolved = (response) => {
    alert.textContent = '';
    status.textContent = words.captchaChecking;
    signUp(account, response)
      .then((why) => {
        status.textContent = '';
        if (why === undefined) show(element('p', { role: 'status', textContent: words.checkYourMail }));
        else {
          alert.textContent = why;
          // An answer counts once.
          (widgets.turnstile ?? widgets.hcaptcha ?? widgets.grecaptcha)?.reset?.();
        }
      })
      .catch(() => {
        status.textContent = '';
        alert.textContent = words.captchaOffline;
      });
  };
  const script = element('script', { src: widget.script, async: true });
  script.onerror = widgets.captchaFailed;
  document.head.append(script);
}

begin().catch(() => show(words.captchaOffline));
