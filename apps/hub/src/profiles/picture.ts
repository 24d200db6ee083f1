import { Failure } from '../http/failure.ts';

const largest = 1_024_000;
const refuse = (why: string) => new Failure('precondition-failed', why);

/** Checks a picture: a data URI of a square PNG or JPEG. @throws Failure 412 with the texts people know */
export function squarePicture(uri: string): void {
  const match = /^data:image\/(png|jpeg|jpg);base64,([A-Za-z0-9+/=]+)$/.exec(uri);
  if (match === null) throw refuse('Unsupported image format; use a data URI with PNG or JPEG');
  const bytes = Buffer.from(match[2] ?? '', 'base64');
  if (bytes.length >= largest) throw refuse('Image is to big');
  const size = match[1] === 'png' ? pngSize(bytes) : jpegSize(bytes);
  if (size === undefined) throw refuse('Unsupported image format; the bytes are no such image');
  if (size.width !== size.height) throw refuse('Image aspect ratio need to be 1');
}

type Size = { width: number; height: number };

/** Size from the IHDR chunk (PNG specification §11.2.2). */
function pngSize(bytes: Buffer): Size | undefined {
  if (bytes.length < 24 || bytes.toString('latin1', 1, 4) !== 'PNG') return undefined;
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

/** Size from the first start-of-frame segment (ITU T.81 §B.2.2). */
function jpegSize(bytes: Buffer): Size | undefined {
  let at = 2;
  while (at + 9 < bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1] ?? 0;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  return undefined;
}
