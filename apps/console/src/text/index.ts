/** Every English word of the console. Screens take their words from here and from nowhere else. */
export { device as deviceText, diff as diffText, logs as logsText } from './device.ts';
export { fleet as fleetText } from './fleet.ts';
export { frame as frameText, statusText } from './frame.ts';
export {
  account as accountText,
  claim as claimText,
  editor as editorText,
  market as marketText,
  overview as overviewText,
} from './more.ts';
export * from './numbers.ts';
export { session as sessionText } from './session.ts';
