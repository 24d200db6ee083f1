import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { LoadFailure, Loading } from '../frame/states.tsx';
import { stepQuery } from '../hub/device.ts';
import layout from '../look/layout.module.css';
import { Icon } from '../show/icon.tsx';
import { Empty } from '../show/messages.tsx';
import { ScrollText } from '../show/scroll.tsx';
import { Copy, Hash } from '../show/values.tsx';
import { deviceText } from '../text/index.ts';
import { useDevice } from './context.tsx';
import { saveAs } from './save.ts';
import classes from './state.module.css';

/** The state document of a revision, as it is. */
export function StatePage() {
  const { device, rev } = useDevice();
  const step = useQuery({ ...stepQuery(device.id, rev ?? 0), enabled: rev !== undefined });
  if (rev === undefined) return <Empty icon="file" title={deviceText.noRevision} />;
  if (step.isError) return <LoadFailure error={step.error} onRetry={() => void step.refetch()} />;
  if (step.data === undefined) return <Loading />;
  const { state } = step.data;
  const text = JSON.stringify(state, undefined, 2);
  return (
    <section className={layout.card}>
      <div className={layout.heading}>
        <h2>{deviceText.revisionOf(rev)}</h2>
        <Hash value={step.data['state-sha']} />
        <span className="soft">{deviceText.state.members(Object.keys(state).length)}</span>
        <span className={layout.end}>
          <Copy value={text} what={deviceText.state.copy} />
        </span>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<Icon name="download" />}
          onClick={() => saveAs(`${device.nick}-${rev}.json`, text, 'application/json')}
        >
          {deviceText.state.download}
        </Button>
      </div>
      {Object.entries(state).map(([key, value]) => (
        <details key={key} className={classes.member} open={key === '#spec'}>
          <summary>
            <span className={classes.key}>{key}</span>
            {typeof value === 'string' && <span className="mono soft"> {value}</span>}
          </summary>
          {typeof value !== 'string' && (
            <ScrollText className={classes.json}>{JSON.stringify(value, undefined, 2)}</ScrollText>
          )}
        </details>
      ))}
    </section>
  );
}
