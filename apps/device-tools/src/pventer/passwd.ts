/** The entry of a user in a container's /etc/passwd (passwd(5)). */

export interface Login {
  uid: number;
  gid: number;
  home: string;
  shell: string;
}

/** Values of the original for a container that says nothing about the user. */
const defaults: Login = { uid: 0, gid: 0, home: '/tmp1', shell: '/bin/sh' };

/** The user of this name; one that is not there, or whose line is damaged, gets the defaults. */
export function parsePasswd(text: string, name: string): Login {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name}:`));
  const [, , uid, gid, , home, shell] = line?.split(':') ?? [];
  const number = (value: string | undefined) => (/^\d+$/.test(value ?? '') ? Number(value) : 0);
  return {
    uid: number(uid),
    gid: number(gid),
    home: home || defaults.home,
    shell: shell?.trim() || defaults.shell,
  };
}
