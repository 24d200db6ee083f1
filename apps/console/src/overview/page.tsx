import { frameText } from '../text/index.ts';

export function OverviewPage() {
  return <h1>{frameText.overview}</h1>;
}
