import { Progress as Bar, Button } from '@mantine/core';
import { type Progress, type ProgressReport, trailRoutes } from '@pantavisor/hub-api';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNotices } from '../frame/notices.tsx';
import { hub } from '../hub/client.ts';
import { reportsQuery, stepQuery } from '../hub/device.ts';
import layout from '../look/layout.module.css';
import { Announce } from '../show/messages.tsx';
import { Status, StatusMark } from '../show/status.tsx';
import { When } from '../show/values.tsx';
import { deviceText } from '../text/index.ts';
import { useDevice } from './context.tsx';
import { stations, type Track, trackOf } from './outline.ts';
import classes from './progress.module.css';

/** The way of an update as a track; on a failure it bends back and says why. */
export function TrackView({ track }: { track: Track }) {
  const at = stations.indexOf(track.reached);
  return (
    <div>
      <ol className={classes.track}>
        {stations.map((station, index) => {
          const failedHere = track.failed?.at === station;
          const state = failedHere ? 'failed' : index < at || track.done ? 'passed' : index === at ? 'here' : 'ahead';
          return (
            <li
              key={station}
              className={classes.station}
              data-state={state}
              aria-current={index === at ? 'step' : undefined}
            >
              <span className={classes.mark}>
                <StatusMark
                  kind={{ failed: 'failed', passed: 'good', here: 'moving', ahead: 'unknown' }[state] as 'good'}
                />
              </span>
              {deviceText.steps[station]}
            </li>
          );
        })}
      </ol>
      {track.failed !== undefined && (
        <p className={classes.back}>
          <span aria-hidden="true">↩ </span>
          {track.failed.status === 'WONTGO'
            ? deviceText.refused
            : track.failed.status === 'ERROR'
              ? deviceText.wentBack
              : deviceText.cancelled}
          {track.failed.message !== '' && <strong> {track.failed.message}</strong>}
        </p>
      )}
    </div>
  );
}

function Objects({ progress }: { progress: Progress }) {
  const objects = progress.downloads.objects ?? [];
  if (objects.length === 0) return null;
  return (
    <div className={classes.objects}>
      <h3>{deviceText.objects}</h3>
      {objects.map((object) => {
        const name = object.object_name ?? object.object_id ?? '';
        const percent = object.total_size === 0 ? 100 : (100 * object.total_downloaded) / object.total_size;
        return (
          <div key={name} className={classes.object}>
            <span className={classes.name}>{name}</span>
            <Bar value={percent} aria-label={name} size="sm" />
            <span className="soft">{deviceText.objectProgress(object.total_downloaded, object.total_size)}</span>
          </div>
        );
      })}
    </div>
  );
}

function Reports({ reports }: { reports: readonly ProgressReport[] }) {
  if (reports.length === 0) return null;
  return (
    <details className={classes.reports}>
      <summary>{deviceText.reports}</summary>
      <ol className={layout.list}>
        {reports.map((report) => (
          <li key={`${report.time} ${report.status} ${report['status-msg']}`} className={layout.row}>
            <When time={report.time} />
            <Status status={report.status} />
            <span>{report['status-msg']}</span>
          </li>
        ))}
      </ol>
    </details>
  );
}

/** How the update to a revision goes, while it goes. */
export function UpdateProgress({ rev }: { rev: number }) {
  const { device, own } = useDevice();
  const queryClient = useQueryClient();
  const notices = useNotices();
  const step = useQuery(stepQuery(device.id, rev));
  const reports = useQuery(reportsQuery(device.id, rev));
  const live = useQuery<Progress>({ queryKey: ['trail', device.id, 'live', rev], enabled: false });
  const end = useMutation({
    mutationFn: (how: 'cancel' | 'wontgo') =>
      hub.call(trailRoutes[how], { params: { id: device.id, rev: String(rev) } }),
    onSuccess: () => {
      notices.done(deviceText.cancelled);
      return queryClient.invalidateQueries({ queryKey: ['trail', device.id] });
    },
    onError: notices.failed,
  });
  const stored = step.data?.progress;
  const progress = stored === undefined ? undefined : (live.data ?? stored);
  if (progress === undefined || stored === undefined) return null;
  const track = trackOf(reports.data ?? [], progress);
  return (
    <section className={layout.card} aria-label={deviceText.progress}>
      <div className={layout.heading}>
        <h2>{deviceText.progressOf(rev)}</h2>
        <Status status={progress.status} />
        {progress['status-msg'] !== '' && track.failed === undefined && (
          <span className="soft">{progress['status-msg']}</span>
        )}
        {own && progress.status === 'NEW' && (
          <Button
            className={layout.end ?? ''}
            size="compact-sm"
            variant="default"
            onClick={() => end.mutate('cancel')}
            loading={end.isPending}
          >
            {deviceText.cancel}
          </Button>
        )}
        {own && progress.status === 'INPROGRESS' && (
          <Button
            className={layout.end ?? ''}
            size="compact-sm"
            variant="default"
            onClick={() => end.mutate('wontgo')}
            loading={end.isPending}
          >
            {deviceText.giveUp}
          </Button>
        )}
      </div>
      <TrackView track={track} />
      <Announce>{`${progress.status} ${progress['status-msg']}`}</Announce>
      {!track.done && <Objects progress={progress} />}
      <Reports reports={reports.data ?? []} />
    </section>
  );
}
