/** Keys of a state as paths below a revision's directory. */
import { Failure } from '../runtime/failure.ts';

/**
 * Fails with `state-key` when a key would leave the revision's directory, or write where the device keeps its own files.
 */
export function checkStateKey(key: string): void {
  const names = key.split('/');
  const wrong = names.some((name) => name === '' || name === '.' || name === '..' || name.includes('\0'));
  if (wrong || names[0] === '.pv' || names[0] === '.pvr')
    throw new Failure('state-key', `cannot use the key "${key}" of the state as a file of the revision`, {
      file: key,
      hint: 'a key is a relative path without empty parts, "." or "..", and not below .pv or .pvr',
    });
}

/** Objects of this kind are copied, not linked, because containers may write to them. */
export function isCopied(key: string): boolean {
  return key.endsWith('.bind');
}
