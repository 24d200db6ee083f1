/** Version of pantahub, as it tells clients and people. */
export const version = '0.1.0';
