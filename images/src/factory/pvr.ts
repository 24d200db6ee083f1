/** The program pvr, which the factory state is gathered, signed and written with. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const pvrProgram = fileURLToPath(new URL('../../../apps/pvr/bin/pvr', import.meta.url));

/** Runs pvr. @throws Error with its own words */
export async function pvr(cwd: string, argv: readonly string[]): Promise<string> {
  try {
    return (await run(pvrProgram, [...argv], { cwd, maxBuffer: 64 * 1024 * 1024 })).stdout;
  } catch (cause) {
    const { stderr, message } = cause as { stderr?: string; message: string };
    throw new Error(`cannot run pvr ${argv.join(' ')}: ${stderr?.trim() || message}`, { cause });
  }
}

/** What `pvr check --json` says of signatures. */
export interface SignatureCheck {
  reasons: { code: 'state-unreadable' | 'signature-invalid' | 'key-uncovered'; message: string; key?: string }[];
}

/**
 * What a device that wants everything signed would say of the committed state.
 * @param trust arguments that name whom it trusts
 */
export async function checkSignatures(cwd: string, trust: readonly string[]): Promise<SignatureCheck> {
  const argv = ['check', '--strict', '--json', ...trust];
  // It fails where the device would refuse the state, and tells all the same.
  const { stdout, stderr } = await run(pvrProgram, argv, { cwd, maxBuffer: 64 * 1024 * 1024 }).catch(
    (error: { stdout?: string; stderr?: string }) => ({ stdout: error.stdout ?? '', stderr: error.stderr ?? '' }),
  );
  try {
    return (JSON.parse(stdout) as { signatures: SignatureCheck }).signatures;
  } catch (cause) {
    throw new Error(`cannot check the signatures of the factory state: ${stderr.trim() || stdout}`, { cause });
  }
}
