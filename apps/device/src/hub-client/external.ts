/**
 * Credentials that are not the device's own to know, e.g. of a TPM: programs of the board register it and log it in (`PH_CREDS_TYPE`,
 * hub-client.md §1.2).
 *
 * `/btools/<type>.register` leaves `creds.id` in `config/pantahub.config` of the storage; `/btools/<type>.login` prints the answer of a login,
 * `{"token":"…"}`. Both find where the Hub is, and who the device is, in the environment.
 */
import type { ConfigStore } from '../config/store.ts';
import type { Host } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import { runProgram } from '../runtime/programs.ts';

/** Hardware may take its time, but a device that waits for ever is not on its Hub either. */
const timeout = 120_000;
const typePattern = /^ext-[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export class ExternalCredentials {
  readonly #host: Pick<Host, 'processes'>;
  readonly #store: ConfigStore;

  constructor(host: Pick<Host, 'processes'>, store: ConfigStore) {
    this.#host = host;
    this.#store = store;
  }

  /**
   * Programs stand in for what the device does itself.
   * @throws Failure `credentials-type` when the configured kind of credentials is none
   */
  get used(): boolean {
    const type = this.#store.snapshot().PH_CREDS_TYPE;
    if (type === 'builtin' || type === '') return false;
    if (typePattern.test(type)) return true;
    throw new Failure('credentials-type', `cannot use PH_CREDS_TYPE "${type}": it is builtin, or ext- and a name`, {
      hint: 'ext-NAME runs /btools/ext-NAME.register and /btools/ext-NAME.login',
    });
  }

  /** Runs the program that makes the device known to the Hub. @throws Failure `program` */
  async register(): Promise<void> {
    await this.#run('register');
  }

  /** Runs the program that logs the device in. @returns the text it printed, never logged @throws Failure `program` */
  login(): Promise<string> {
    return this.#run('login');
  }

  #run(verb: 'register' | 'login'): Promise<string> {
    const config = this.#store.snapshot();
    const environment = {
      PH_CREDS_TYPE: config.PH_CREDS_TYPE,
      PH_CREDS_HOST: config.PH_CREDS_HOST,
      PH_CREDS_PORT: String(config.PH_CREDS_PORT),
      PH_CREDS_ID: config.PH_CREDS_ID ?? '',
      PH_CREDS_PRN: config.PH_CREDS_PRN ?? '',
    };
    const doing = verb === 'login' ? 'log in' : 'register';
    return runProgram(this.#host, doing, [`/btools/${config.PH_CREDS_TYPE}.${verb}`], { environment, timeout });
  }
}
