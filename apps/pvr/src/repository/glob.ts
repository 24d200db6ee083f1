/** Patterns over slash paths. */

export type Matches = (path: string) => boolean;

/** A shell glob: `*` and `?` do not match a slash, `[…]` is a class, a backslash takes the next character as it is. */
export function globPattern(pattern: string): Matches {
  const expression = new RegExp(`^${translate(pattern)}$`, 'su');
  return (path) => expression.test(path);
}

/**
 * A pattern of a signature as pvr reads it (pvr §10.4): like a shell glob, and `**` as a whole component spans any number of
 * components, also none; `{a,b}` are alternatives.
 */
export function signaturePattern(pattern: string): Matches {
  const alternatives = expandBraces(pattern).map((each) => {
    const parts = each.split('/');
    const last = parts.length - 1;
    const source = parts.map((part, index) => {
      if (part !== '**') return translate(part) + (index === last ? '' : '/');
      if (index < last) return '(?:[^/]+/)*';
      return index === 0 ? '.*' : '.*';
    });
    return source.join('');
  });
  // `a/**` also matches `a` itself: `**` spans zero components.
  const forms = alternatives.flatMap((form) => (form.endsWith('/.*') ? [form, form.slice(0, -3)] : [form]));
  const expression = new RegExp(`^(?:${forms.join('|')})$`, 'su');
  return (path) => expression.test(path);
}

function expandBraces(pattern: string): string[] {
  const match = /^(.*?)\{([^{}]*)\}(.*)$/s.exec(pattern);
  if (!match) return [pattern];
  const [, before = '', inner = '', after = ''] = match;
  return inner.split(',').flatMap((choice) => expandBraces(before + choice + after));
}

function translate(glob: string): string {
  let source = '';
  for (let index = 0; index < glob.length; index += 1) {
    const character = glob[index]!;
    if (character === '*') {
      while (glob[index + 1] === '*') index += 1;
      source += '[^/]*';
    } else if (character === '?') source += '[^/]';
    else if (character === '[') {
      const end = glob.indexOf(']', index + 2);
      if (end < 0) {
        source += '\\[';
        continue;
      }
      const inner = glob
        .slice(index + 1, end)
        .replace(/[\\[]/g, '\\$&')
        .replace(/^[!^]/, '^');
      source += `(?!/)[${inner}]`;
      index = end;
    } else if (character === '\\' && index + 1 < glob.length) {
      index += 1;
      source += quote(glob[index]!);
    } else source += quote(character);
  }
  return source;
}

function quote(character: string): string {
  return /[\^$\\.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}
