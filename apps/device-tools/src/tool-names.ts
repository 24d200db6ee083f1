/** Names by which the executable of the small host is one of the tools. */
export const toolNames = ['pvcontrol', 'pvcurl', 'pventer', 'pvtx', 'fallbear-cmd', 'pv-xconnect'] as const;

export type ToolName = (typeof toolNames)[number];
