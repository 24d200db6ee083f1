import { Button, Menu } from '@mantine/core';
import { useState } from 'react';
import { Icon } from '../../show/icon.tsx';
import { fleetText } from '../../text/index.ts';
import classes from '../fleet.module.css';
import type { Selection } from '../selection.ts';
import { type BulkAction, BulkDialog } from './dialog.tsx';

export interface BulkProps {
  selection: Selection;
  count: number;
  query: string;
  /** `<device>@<revision>` that shall be deployed, when the list was opened for that */
  source: string | undefined;
  onClear: () => void;
}

/** What can be done to the selected devices. */
export function BulkBar({ selection, count, query, source, onClear }: BulkProps) {
  const [action, setAction] = useState<BulkAction>();
  return (
    <div className={classes.bar}>
      <strong>{fleetText.selected(count)}</strong>
      <Button size="compact-sm" onClick={() => setAction('deploy')}>
        {fleetText.actions.deploy}
      </Button>
      <Button size="compact-sm" variant="default" onClick={() => setAction('tag')}>
        {fleetText.actions.tag}
      </Button>
      <Menu>
        <Menu.Target>
          <Button size="compact-sm" variant="default" rightSection={<Icon name="down" size={12} />}>
            {fleetText.more}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => setAction('share')}>{fleetText.actions.share}</Menu.Item>
          <Menu.Item onClick={() => setAction('unshare')}>{fleetText.actions.unshare}</Menu.Item>
          <Menu.Divider />
          <Menu.Item color="red" onClick={() => setAction('remove')}>
            {fleetText.actions.remove}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Button size="compact-sm" variant="subtle" onClick={onClear}>
        {fleetText.clearSelection}
      </Button>
      {action !== undefined && (
        <BulkDialog
          action={action}
          selection={selection}
          count={count}
          query={query}
          source={source}
          onClose={(changed) => {
            setAction(undefined);
            if (changed) onClear();
          }}
        />
      )}
    </div>
  );
}
