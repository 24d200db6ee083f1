/** Every English word of the console. Screens take their words from here and from nowhere else. */
export { fleet as fleetText } from './fleet.ts';
export { frame as frameText, statusText } from './frame.ts';
export * from './numbers.ts';
export { session as sessionText } from './session.ts';
