import { Button, Checkbox, Select } from '@mantine/core';
import { imageRoutes, type OfferedImage } from '@pantavisor/hub-api';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { hub } from '../hub/client.ts';
import { useAbout } from '../hub/viewer.ts';
import layout from '../look/layout.module.css';
import { Icon } from '../show/icon.tsx';
import { Failure } from '../show/messages.tsx';
import { ScrollText } from '../show/scroll.tsx';
import { Copy, CopyLine } from '../show/values.tsx';
import { claimText, size } from '../text/index.ts';
import classes from './claim.module.css';

/** Images of the hub: one is chosen, and comes with a join token of the viewer in it, or as it is. */
function Offered({ images }: { images: readonly [OfferedImage, ...OfferedImage[]] }) {
  const [name, setName] = useState(images[0].name);
  const [pair, setPair] = useState(true);
  const image = images.find((one) => one.name === name) ?? images[0];
  const prepare = useMutation({
    mutationFn: () =>
      hub.call(imageRoutes.prepare, { params: { filename: image.name }, body: { pair: pair && image.pairs } }),
    // The browser stays on the page: the answer is an attachment.
    onSuccess: ({ address }) => location.assign(address),
  });
  return (
    <form
      className={layout.form}
      onSubmit={(event) => {
        event.preventDefault();
        prepare.mutate();
      }}
    >
      <Select
        label={claimText.imageChoose}
        data={images.map((one) => ({ value: one.name, label: `${one.name} (${size(one.size)})` }))}
        value={image.name}
        allowDeselect={false}
        onChange={(value) => {
          setName(value ?? image.name);
          prepare.reset();
        }}
      />
      <Checkbox
        size="sm"
        label={claimText.imagePair}
        description={image.pairs ? claimText.imagePairHint : claimText.imageNoPlace}
        checked={pair && image.pairs}
        disabled={!image.pairs}
        onChange={(event) => setPair(event.currentTarget.checked)}
      />
      {prepare.isError && <Failure error={prepare.error} />}
      {prepare.isSuccess && (
        <p role="status" className={layout.hint}>
          {prepare.data['join-token'] === undefined
            ? claimText.imageComes
            : claimText.imageComesWith(prepare.data['join-token'])}
        </p>
      )}
      <div>
        <Button type="submit" leftSection={<Icon name="download" />} loading={prepare.isPending}>
          {claimText.imageDownload}
        </Button>
      </div>
      <CopyLine value={claimText.imageWrite(image.name)} what={claimText.imageWriteWhat} />
    </form>
  );
}

/** How one makes such an image, or does without: with the addresses of this hub, and the token that was made above. */
function Instructions({ token }: { token: string }) {
  const about = useAbout();
  const url = new URL(about?.['clone-url'] ?? location.origin);
  const host = `${url.protocol}//${url.hostname}`;
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const recipe = JSON.stringify(
    {
      '#spec': 'pantavisor-image@1',
      name: 'my-device',
      architecture: 'x86_64',
      hub: { PH_CREDS_HOST: host, PH_CREDS_PORT: port, ...(token === '' ? {} : { PH_FACTORY_AUTOTOK: token }) },
    },
    undefined,
    2,
  );
  const engine = [
    `PH_CREDS_HOST=${host}`,
    `PH_CREDS_PORT=${port}`,
    ...(token === '' ? [] : [`PH_FACTORY_AUTOTOK=${token}`]),
    'PV_CONTROL_REMOTE=1',
    'pantavisor --storage /var/pantavisor',
  ].join(' ');
  return (
    <ol className={classes.ways}>
      <li>
        <h3>{claimText.buildTitle}</h3>
        <p className={layout.hint}>{token === '' ? claimText.buildHint : claimText.buildHintToken}</p>
        <div className={classes.recipe}>
          <ScrollText className={classes.json}>{recipe}</ScrollText>
          <Copy value={recipe} what={claimText.recipe} />
        </div>
        <CopyLine value="npx pv-image build my-device.json" what={claimText.buildTitle} />
      </li>
      <li>
        <h3>{claimText.engineTitle}</h3>
        <p className={layout.hint}>{claimText.engineHint}</p>
        <CopyLine value={engine} what={claimText.engineTitle} />
      </li>
    </ol>
  );
}

/** Where software for a device comes from: images of this hub where it has some, and how to make one. */
export function Images({ token }: { token: string }) {
  const images = useQuery({ queryKey: ['images'], queryFn: () => hub.call(imageRoutes.list), retry: false });
  const [first, ...more] = images.data ?? [];
  return (
    <div className={layout.stack}>
      {images.isError && <Failure error={images.error} />}
      {first !== undefined && <Offered images={[first, ...more]} />}
      {first === undefined && images.isSuccess && <p className={layout.hint}>{claimText.imageNone}</p>}
      {first === undefined ? (
        <Instructions token={token} />
      ) : (
        <details>
          <summary>{claimText.imageOwn}</summary>
          <Instructions token={token} />
        </details>
      )}
    </div>
  );
}
