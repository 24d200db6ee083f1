/**
 * Every setting of the hub, once. Command line, environment, file, `--help` and docs/hub/configuration.md are made from
 * this table; the environment names of the original are kept where it has the setting (hub-api §19).
 */
interface Shared {
  env: string;
  about: string;
  /** the value must not be shown in logs or pages */
  secret?: boolean;
}
export type Option = Shared &
  (
    | { kind: 'text'; fallback: string; choices?: readonly string[] }
    | { kind: 'integer'; fallback: number; least?: number }
    | { kind: 'flag'; fallback: boolean }
    /** ISO 8601 duration, e.g. P2D or PT90M; milliseconds inside */
    | { kind: 'duration'; fallback: string }
  );

const text = (
  env: string,
  fallback: string,
  about: string,
  more: { secret?: boolean; choices?: readonly string[] } = {},
) => ({ kind: 'text', env, fallback, about, ...more }) as const;
const integer = (env: string, fallback: number, about: string, least = 0) =>
  ({ kind: 'integer', env, fallback, about, least }) as const;
const flag = (env: string, about: string) => ({ kind: 'flag', env, fallback: false, about }) as const;
const duration = (env: string, fallback: string, about: string) =>
  ({ kind: 'duration', env, fallback, about }) as const;

export const options = {
  data: text('PANTAHUB_DATA', './pantahub-data', 'folder for the database, blobs, certificates and mails'),
  config: text(
    'PANTAHUB_CONFIG',
    '',
    'JSON file with any of these settings by name; default <data>/pantahub.json when it exists',
  ),
  host: text('PANTAHUB_LISTEN', '127.0.0.1', 'address to listen on; 0.0.0.0 or :: for all'),
  port: integer('PANTAHUB_PORT_INT', 12365, 'HTTP port; 0 = any free one, -1 = no plain HTTP', -1),
  'tls-port': integer('PANTAHUB_PORT_INT_TLS', -1, 'HTTPS port; -1 = none, 0 = any free one', -1),
  'clone-port': integer(
    'PANTAHUB_PORT_CLONE',
    -1,
    'second HTTP port, for clone addresses /user/device; -1 = none (the main port serves them too)',
    -1,
  ),
  tls: text(
    'PANTAHUB_TLS',
    'self-signed',
    'self-signed makes a certificate in <data>; files uses tls-cert and tls-key',
    { choices: ['self-signed', 'files'] },
  ),
  'tls-cert': text('PANTAHUB_TLS_CERT', '', 'PEM file with the certificate chain'),
  'tls-key': text('PANTAHUB_TLS_KEY', '', 'PEM file with the private key'),
  'public-url': text(
    'PANTAHUB_URL',
    '',
    'address under which clients reach the hub, e.g. https://hub.example.org; empty = taken from each request',
  ),
  'www-url': text('PANTAHUB_WWW', '', 'address of the web console for links in mails; empty = the hub itself'),
  'console-folder': text(
    'PANTAHUB_CONSOLE',
    '',
    'folder of the built console; empty = that of this checkout, none = no console',
  ),
  images: text('PANTAHUB_IMAGES', '', 'folder with images of devices that people may download; empty = none'),
  'auth-endpoint': text('PH_AUTH', '', 'auth endpoint told to clients (ph-aeps); empty = <public-url>/auth'),
  'trust-proxy': flag(
    'PANTAHUB_TRUST_PROXY',
    'believe X-Forwarded-For, -Proto and -Host; only behind a proxy that sets them',
  ),
  database: text(
    'PANTAHUB_DATABASE',
    '',
    'sqlite:<file> or postgres://user:password@host/name; empty = sqlite:<data>/hub.db',
    { secret: true },
  ),
  'database-pool': integer('PANTAHUB_DATABASE_POOL', 10, 'connections to PostgreSQL', 2),
  blobs: text('PANTAHUB_STORAGE_DRIVER', 'local', 'where contents of objects live', { choices: ['local', 's3'] }),
  'blob-folder': text('PANTAHUB_S3PATH', '', 'folder for local blobs; empty = <data>/blobs'),
  's3-endpoint': text('PANTAHUB_S3_ENDPOINT', '', 'address of the S3 server'),
  's3-bucket': text('PANTAHUB_S3_BUCKET', 'pantahub', 'bucket'),
  's3-region': text('PANTAHUB_S3_REGION', 'us-east-1', 'region'),
  's3-access-key': text('PANTAHUB_S3_ACCESS_KEY_ID', '', 'access key id'),
  's3-secret-key': text('PANTAHUB_S3_SECRET_ACCESS_KEY', '', 'secret access key', { secret: true }),
  'jwt-key': text(
    'PANTAHUB_JWT_SECRET',
    '',
    'RSA private key for tokens, PEM in base64; empty = drawn at first start, kept in the database',
    { secret: true },
  ),
  'object-secret': text(
    'PANTAHUB_JWT_OBJECT_SECRET',
    '',
    'secret of signed object addresses; empty = drawn at first start',
    { secret: true },
  ),
  'token-minutes': integer('PANTAHUB_JWT_TIMEOUT_MINUTES', 60, 'life of a token', 1),
  'refresh-minutes': integer('PANTAHUB_JWT_MAX_REFRESH_MINUTES', 1440, 'how long after login a token may be refreshed'),
  'session-hours': integer('PANTAHUB_SESSION_HOURS', 168, 'how long a login in the console lasts', 1),
  'recover-minutes': integer('PANTAHUB_RECOVER_JWT_TIMEOUT_MINUTES', 60, 'life of a password recovery link', 1),
  'short-token-minutes': integer(
    'PANTAHUB_ANON_JWT_TIMEOUT',
    5,
    'life of anonymous tokens and of tokens made with a personal access token',
    1,
  ),
  'sign-up': text('PANTAHUB_SIGN_UP', 'open', 'who may make an account', { choices: ['open', 'invited', 'closed'] }),
  captcha: flag(
    'PANTAHUB_USE_CAPTCHA',
    'who signs up without an invitation has to solve a captcha on the sign-up page',
  ),
  'captcha-url': text(
    'PANTAHUB_CAPTCHA_URL',
    'https://www.google.com/recaptcha/api/siteverify',
    'service that is asked whether a captcha was solved, with secret, response and remoteip as a form',
  ),
  'captcha-site-key': text(
    'PANTAHUB_CAPTCHA_SITE_KEY',
    '',
    'what that service knows the sign-up page by; empty = the page is elsewhere, and the console asks for an invitation',
  ),
  'captcha-script': text(
    'PANTAHUB_CAPTCHA_SCRIPT',
    'https://www.google.com/recaptcha/api.js',
    'address of the script that draws the captcha',
  ),
  'captcha-sources': text(
    'PANTAHUB_CAPTCHA_SOURCES',
    'https://www.google.com/recaptcha/ https://www.gstatic.com/recaptcha/ https://recaptcha.google.com/recaptcha/',
    'where that script may load from and ask, as sources of a Content Security Policy with blanks between them',
  ),
  'captcha-secret': text('GOOGLE_CAPTCHA_SECRET', '', 'what that service knows this hub by', { secret: true }),
  'signup-path': text('PANTAHUB_SIGNUP_PATH', '/signup', 'path of the sign-up page, below www-url'),
  'jwe-key': text(
    'PANTAHUB_JWE_SECRET',
    '',
    'RSA private key that opens sealed sign-ups, PEM in base64; empty = drawn when first needed, kept in the database',
    { secret: true },
  ),
  'device-ca': text(
    'PANTAHUB_CA_CERT',
    '',
    'certificates of the authorities that may issue those of devices, PEM in base64; empty = devices log in with secrets only',
  ),
  'device-ca-key': text(
    'PANTAHUB_CA_KEY',
    '',
    'private key of one of them, PEM in base64: lets devices enrol with a join token; empty = they cannot',
    { secret: true },
  ),
  'device-cert-days': integer('PANTAHUB_CA_DAYS', 3650, 'life of the certificates this hub issues', 1),
  'proxy-tls-token': text(
    'PANTAHUB_PROXY_TLS_AUTH_TOKEN',
    '',
    'what a proxy must send as Pantahub-TLS-Proxy-Token to hand in certificates of devices; empty = none may',
    { secret: true },
  ),
  'demo-accounts': flag(
    'PANTAHUB_DEMOACCOUNTS',
    'enable the built-in accounts admin, user1, … with their nick as password; never in production',
  ),
  admins: text(
    'PANTAHUB_ADMINS',
    'prn:pantahub.com:auth:/admin',
    'prns of administrators, comma list; accounts with role admin count too',
  ),
  'subscription-admins': text('PANTAHUB_SUBSCRIPTION_ADMINS', '', 'prns that may give plans, comma list'),
  'operator-secret': text(
    'PANTAHUB_SA_ADMIN_SECRET',
    '',
    'password of saadmin for /healthz, /metrics, /cron; empty = closed',
    { secret: true },
  ),
  'default-plan': text('PANTAHUB_DEFAULT_PLAN', 'FREE', 'plan of accounts without a subscription', {
    choices: ['FREE', 'VIP', 'UNLIMITED'],
  }),
  mail: text('PANTAHUB_MAIL', 'file', 'console, file (<data>/mail), or smtp://user:password@host:port', {
    secret: true,
  }),
  'mail-from': text('REG_EMAIL', 'pantahub@localhost', 'sender of mails'),
  'rate-per-caller': integer(
    'PANTAHUB_RATE_CALLER',
    100,
    'requests a second that one account or device may make, with bursts of ten times that; 0 = no limit',
  ),
  'rate-per-address': integer(
    'PANTAHUB_RATE_ADDRESS',
    20,
    'requests a second without a token from one address, with bursts of ten times that; 0 = no limit',
  ),
  'max-active': integer(
    'PANTAHUB_MAX_ACTIVE',
    400,
    'requests in work at once; more are answered 503 with Retry-After; 0 = no limit',
  ),
  'follow-rate': integer(
    'PANTAHUB_FOLLOW_RATE',
    20,
    'followers of a device that get its new revision, a second; 0 = all at once',
  ),
  'follow-hosts': text(
    'PANTAHUB_FOLLOW_HOSTS',
    '',
    'more names of this hub in addresses that devices follow, comma list; those of public-url and of this machine count anyway',
  ),
  'log-level': text('PANTAHUB_LOG_LEVEL', 'info', 'least level that is written', {
    choices: ['debug', 'info', 'warn', 'error', 'silent'],
  }),
  'log-days': integer('PANTAHUB_LOG_DAYS', 30, 'days for which device logs are kept; 0 = for ever'),
  'gc-grace': duration(
    'PANTAHUB_GC_GARBAGE_EXPIRY',
    'P2D',
    'how long garbage is kept before it is removed; at least a day',
  ),
  'gc-unclaimed': duration(
    'PANTAHUB_GC_UNCLAIMED_EXPIRY',
    'P5D',
    'after what time devices that nobody claimed become garbage',
  ),
  'gc-interval': duration('PANTAHUB_GC_INTERVAL', 'PT1H', 'how often garbage is collected; PT0S = only by the command'),
  'stop-seconds': integer('PANTAHUB_STOP_SECONDS', 30, 'how long requests in work may take when the hub stops'),
} as const satisfies Record<string, Option>;

type ValueOf<O> = O extends { kind: 'flag' } ? boolean : O extends { kind: 'integer' | 'duration' } ? number : string;
/** The settings of a running hub; durations in milliseconds. */
export type Config = { -readonly [K in keyof typeof options]: ValueOf<(typeof options)[K]> };
export type OptionName = keyof typeof options;
export const optionNames = Object.keys(options) as OptionName[];
