/**
 * Paths of the console that people bookmark, share and get in mails; `/*` = everything below. The hub answers each with the
 * page of the console, so they must not collide with a mount of the API, and nobody may have their first segment as a nick.
 */
export const consolePages = [
  '/',
  '/login',
  '/signup',
  '/verify',
  '/recover',
  '/reset_password',
  '/oauth2/authorize',
  '/claim',
  '/market',
  '/market/*',
  '/u/*',
  '/account/*',
  '/settings/*',
] as const;

/**
 * Where somebody who signs up solves a captcha. Not a screen of the console but a document of its own: only there scripts of the
 * captcha's provider run, and nothing else of the hub is in reach of them.
 */
export const captchaPage = '/captcha';

/**
 * Header of every request of the console that is not a navigation. A browser sends it to another origin only after asking,
 * and the hub never allows it then: a session cookie counts only together with it (CSRF).
 */
export const consoleHeader = 'x-pantahub-console';
