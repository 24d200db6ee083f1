import { Button, Menu, Modal, TextInput } from '@mantine/core';
import { deviceRoutes } from '@pantavisor/hub-api';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useNotices } from '../frame/notices.tsx';
import { hub } from '../hub/client.ts';
import layout from '../look/layout.module.css';
import { Failure } from '../show/messages.tsx';
import { deviceText, frameText } from '../text/index.ts';
import { useDevice } from './context.tsx';

type Asked = 'rename' | 'publish' | 'remove' | undefined;

/** What an owner can do with a device as a whole. */
export function DeviceActions() {
  const { device, user, rev } = useDevice();
  const [asked, setAsked] = useState<Asked>();
  const queryClient = useQueryClient();
  const notices = useNotices();
  const unshare = useMutation({
    mutationFn: () => hub.call(deviceRoutes.unshare, { params: { id: device.id } }),
    onSuccess: () => {
      notices.done(deviceText.unpublished);
      return queryClient.invalidateQueries({ queryKey: ['device'] });
    },
    onError: notices.failed,
  });
  return (
    <>
      <Menu.Dropdown>
        <Menu.Item onClick={() => setAsked('rename')}>{deviceText.rename}</Menu.Item>
        {device.public ? (
          <Menu.Item onClick={() => unshare.mutate()}>{deviceText.unpublish}</Menu.Item>
        ) : (
          <Menu.Item onClick={() => setAsked('publish')}>{deviceText.publish}</Menu.Item>
        )}
        {rev !== undefined && (
          <Menu.Item
            component="a"
            href={`/exports/${user}/${device.nick}/${rev}/${device.nick}-${rev}.tar.gz`}
            download
          >
            {deviceText.exportIt}
          </Menu.Item>
        )}
        <Menu.Divider />
        <Menu.Item color="red" onClick={() => setAsked('remove')}>
          {deviceText.remove}
        </Menu.Item>
      </Menu.Dropdown>
      {asked === 'rename' && <Rename onClose={() => setAsked(undefined)} />}
      {asked === 'publish' && <Publish onClose={() => setAsked(undefined)} />}
      {asked === 'remove' && <Remove onClose={() => setAsked(undefined)} />}
    </>
  );
}

interface Dialog {
  onClose: () => void;
}

function Rename({ onClose }: Dialog) {
  const { device, user } = useDevice();
  const [nick, setNick] = useState(device.nick);
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const rename = useMutation({
    mutationFn: () => hub.call(deviceRoutes.patch, { params: { id: device.id }, body: { nick } }),
    onSuccess: async () => {
      onClose();
      await navigate({ to: '/u/$user/devices/$device', params: { user, device: device.id } });
      await queryClient.invalidateQueries({ queryKey: ['device'] });
    },
  });
  return (
    <Modal opened onClose={onClose} title={deviceText.renameTitle}>
      <form
        className={layout.form}
        onSubmit={(event) => {
          event.preventDefault();
          rename.mutate();
        }}
      >
        <TextInput
          label={deviceText.nick}
          description={deviceText.nickHint}
          pattern="[a-zA-Z0-9_\-+%]+"
          required
          data-autofocus
          value={nick}
          onChange={(event) => setNick(event.currentTarget.value)}
        />
        {rename.isError && <Failure error={rename.error} />}
        <Button type="submit" loading={rename.isPending}>
          {frameText.save}
        </Button>
      </form>
    </Modal>
  );
}

function Publish({ onClose }: Dialog) {
  const { device } = useDevice();
  const queryClient = useQueryClient();
  const notices = useNotices();
  const share = useMutation({
    mutationFn: () => hub.call(deviceRoutes.share, { params: { id: device.id } }),
    onSuccess: () => {
      onClose();
      notices.done(deviceText.published);
      return queryClient.invalidateQueries({ queryKey: ['device'] });
    },
  });
  return (
    <Modal opened onClose={onClose} title={deviceText.publishTitle}>
      <div className={layout.form}>
        <p className={layout.hint}>{deviceText.publishWhat}</p>
        {share.isError && <Failure error={share.error} />}
        <Button onClick={() => share.mutate()} loading={share.isPending} data-autofocus>
          {deviceText.publish.replace('…', '')}
        </Button>
      </div>
    </Modal>
  );
}

function Remove({ onClose }: Dialog) {
  const { device, user } = useDevice();
  const [typed, setTyped] = useState('');
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const notices = useNotices();
  const remove = useMutation({
    mutationFn: () => hub.call(deviceRoutes.remove, { params: { id: device.id } }),
    onSuccess: async () => {
      notices.done(deviceText.removed(device.nick));
      await navigate({ to: '/u/$user/devices', params: { user } });
      await queryClient.invalidateQueries({ queryKey: ['fleet'] });
    },
  });
  return (
    <Modal opened onClose={onClose} title={deviceText.removeTitle(device.nick)}>
      <div className={layout.form}>
        <p className={layout.hint}>{deviceText.removeWhat}</p>
        <TextInput
          label={deviceText.removeConfirm}
          data-autofocus
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        {remove.isError && <Failure error={remove.error} />}
        <Button color="red" disabled={typed !== device.nick} onClick={() => remove.mutate()} loading={remove.isPending}>
          {frameText.remove}
        </Button>
      </div>
    </Modal>
  );
}
