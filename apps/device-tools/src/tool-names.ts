/** Names by which the executable of the small host is one of the tools. */
export const toolNames = ['pvcontrol', 'pvcurl', 'pventer', 'pvtx', 'fallbear-cmd'] as const;

export type ToolName = (typeof toolNames)[number];

/** The name by which it is the service mesh. */
export const meshName = 'pv-xconnect';
