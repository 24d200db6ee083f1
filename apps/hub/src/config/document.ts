import { type Option, optionNames, options } from './options.ts';

/** The page of all settings, made from their table. @returns Markdown */
export function settingsDocument(): string {
  const rows = optionNames.map((name) => {
    const option: Option = options[name];
    const fallback =
      option.kind === 'flag' ? 'off' : String(option.fallback) === '' ? '(empty)' : `\`${option.fallback}\``;
    const choices =
      option.kind === 'text' && option.choices !== undefined
        ? ` One of ${option.choices.map((choice) => `\`${choice}\``).join(', ')}.`
        : '';
    const secret = option.secret === true ? ' Secret.' : '';
    return `| \`${name}\` | \`${option.env}\` | ${fallback} | ${option.about.replaceAll('|', '\\|')}.${choices}${secret} |`;
  });
  return `# Settings of the hub

Every setting can be given on the command line (\`--name value\`), in the environment, or in a JSON file by name
(\`<data>/pantahub.json\`, or the one named with \`--config\`). The command line wins over the environment, the environment over
the file. Wrong settings are all told at once, and the hub does not start.

| setting | environment | default | meaning |
|---|---|---|---|
${rows.join('\n')}

Durations are ISO 8601 (\`P2D\`, \`PT30M\`). The built-in accounts of the original (\`admin\`, \`user1\`, …) are off; each is enabled by
a password in \`PANTAHUB_DEMOACCOUNTS_PASSWORD_<nick>\`, all of them by \`demo-accounts\`.
`;
}
