/** Signatures of states as the configuration of the device asks for them (signatures.md §1). */
import type { FailureCode } from '@pantavisor/engine';
import {
  type SignatureCrypto,
  type SignatureVerdict,
  signatureMessages,
  type Verified,
  verifySignatures,
} from '@pantavisor/state';
import type { DeviceConfig } from '../config/table.ts';
import type { Host } from '../host/ports.ts';

const refused: Verified = { ok: false, reason: 'this build has no public-key cryptography' };
/** Stands in on a host without cryptography: states without signatures can still be judged. */
const noCryptography: SignatureCrypto = {
  verify: async () => refused,
  verifyChain: async () => refused,
  commonName: async () => undefined,
};

/** Verifies the exact text of a state by `PV_SECUREBOOT_MODE` and the trust of the device. */
export function verifyState(
  { signatures }: Pick<Host, 'signatures'>,
  config: DeviceConfig,
  text: string,
): Promise<SignatureVerdict> {
  const crypto = signatures?.trust(`${config.PV_SYSTEM_ETCPANTAVISORDIR}/pvs/trust`) ?? noCryptography;
  const options = {
    mode: config.PV_SECUREBOOT_MODE,
    trustStore: config.PV_SECUREBOOT_TRUSTSTORE,
    oemTrustStore: config.PV_SECUREBOOT_OEM_TRUSTSTORE,
    ...(config.PV_OEM_NAME === undefined ? {} : { oemName: config.PV_OEM_NAME }),
  };
  return verifySignatures(text, options, crypto);
}

const codes: Readonly<Record<string, FailureCode>> = {
  [signatureMessages.invalid]: 'signature-failed',
  [signatureMessages.uncovered]: 'signature-coverage',
  [signatureMessages.unreadable]: 'signature-internal',
};

/** What an update that ends with this verdict is told. */
export function signatureFailureCode({ message }: SignatureVerdict): FailureCode {
  return codes[message] ?? 'signature-unknown';
}
