import encodeQR from 'qr';
import { useMemo } from 'react';
import classes from './claim.module.css';

/** Light modules around a code (ISO/IEC 18004 §6.3.8). */
const border = 4;

/** A QR code, dark on light in every scheme: that is what cameras look for. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const { side, path } = useMemo(() => {
    const modules = encodeQR(text, 'raw', { ecc: 'medium', border });
    const dark = modules.flatMap((row, y) => row.flatMap((set, x) => (set ? [`M${x} ${y}h1v1h-1z`] : [])));
    return { side: modules.length, path: dark.join('') };
  }, [text]);
  return (
    <svg
      className={classes.code}
      viewBox={`0 0 ${side} ${side}`}
      role="img"
      aria-label={label}
      shapeRendering="crispEdges"
    >
      <path d={path} fill="#000" />
    </svg>
  );
}
