import { Modal } from '@mantine/core';
import { frameLoop, type QRCamera, QRCanvas, rearCamera } from 'qr/dom.js';
import { useEffect, useRef, useState } from 'react';
import { Failure } from '../show/messages.tsx';
import { claimText } from '../text/index.ts';
import classes from './claim.module.css';

interface ScannerProps {
  /** @returns whether the text was one that is looked for; else the camera goes on */
  onFound: (text: string) => boolean;
  onClose: () => void;
}

/** Looks for a QR code with the camera; pictures stay in the browser. */
export function Scanner({ onFound, onClose }: ScannerProps) {
  const video = useRef<HTMLVideoElement>(null);
  const [error, setError] = useState<unknown>();
  const [wrong, setWrong] = useState(false);
  const found = useRef(onFound);
  found.current = onFound;
  useEffect(() => {
    let camera: QRCamera | undefined;
    let stop = () => {};
    let gone = false;
    const canvas = new QRCanvas({}, { cropToSquare: false });
    const look = async () => {
      const text = await camera?.readFrame(canvas, true);
      if (typeof text !== 'string' || gone) return;
      if (found.current(text)) stop();
      else setWrong(true);
    };
    const begin = async () => {
      if (video.current === null) return;
      camera = await rearCamera(video.current);
      if (gone) return camera.stop();
      stop = frameLoop(() => void look().catch(setError), video.current);
    };
    begin().catch(setError);
    return () => {
      gone = true;
      stop();
      camera?.stop();
    };
  }, []);
  return (
    <Modal opened onClose={onClose} title={claimText.scanTitle}>
      {error === undefined ? (
        <video ref={video} className={classes.video} playsInline muted autoPlay aria-label={claimText.scanTitle} />
      ) : (
        <Failure error={new Error(claimText.scanFailed(error instanceof Error ? error.message : String(error)))} />
      )}
      <p className="soft" role="status">
        {wrong ? claimText.scanWrong : claimText.scanHint}
      </p>
    </Modal>
  );
}
