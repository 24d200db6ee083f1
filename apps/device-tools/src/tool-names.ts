/** Names by which the executable of the small host is one of the tools. */
export const toolNames = ['pvcontrol', 'pvcurl', 'pventer', 'pvtx', 'fallbear-cmd', 'pv-xconnect'] as const;

export type ToolName = (typeof toolNames)[number];

/** Names by which the executable of pvr-endpoint is pantabox: itself, and each of its commands (`pantabox-view` is `pantabox view`). */
export const pantaboxNames: readonly string[] = [
  'pantabox',
  ...[
    ...['chpasswd', 'claim', 'edit', 'edit-config', 'edit-ssh', 'edit-sshkeys', 'edit-usermeta', 'golocal', 'goremote'],
    ...[
      'goremove',
      'goto',
      'help',
      'info',
      'install',
      'make-factory',
      'reboot',
      'redeploy',
      'shutdown',
      'update',
      'view',
    ],
  ].map((name) => `pantabox-${name}`),
];
