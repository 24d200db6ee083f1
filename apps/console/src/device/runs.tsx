import { deviceText } from '../text/index.ts';
import classes from './runs.module.css';

/** Marks the revision that runs now. */
export function Runs() {
  return <span className={classes.runs}>{deviceText.revisions.running}</span>;
}
