import { Button } from '@mantine/core';
import { fleetText } from '../../text/index.ts';
import classes from '../fleet.module.css';
import type { Selection } from '../selection.ts';

export interface BulkProps {
  selection: Selection;
  count: number;
  query: string;
  onClear: () => void;
}

export function BulkBar({ count, onClear }: BulkProps) {
  return (
    <div className={classes.bar}>
      <strong>{fleetText.selected(count)}</strong>
      <Button size="compact-sm" variant="subtle" onClick={onClear}>
        {fleetText.clearSelection}
      </Button>
    </div>
  );
}
