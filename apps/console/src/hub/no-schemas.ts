/**
 * Stands in for `typebox` in the browser: the console checks nothing that the hub checks anyway, it only uses the types. Every
 * schema is the same empty object.
 */
const nothing = {};
const makers: unknown = new Proxy({}, { get: () => () => nothing });

// biome-ignore lint/style/noDefaultExport: the package it stands in for has one
export default makers;
