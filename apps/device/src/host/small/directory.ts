/** Directory entries through getdents64(2). */
import { bufferOffset, bufferSize, type Kernel } from '@pantavisor/small-host';

/** struct linux_dirent64: inode 8 bytes, offset 8, record length 2, type 1, name with NUL. */
const record = { length: 16, type: 18, name: 19 } as const;

/** Every entry of an open directory except `.` and `..`; `type` is DT_* (0 when the file system does not tell). */
export function readDirectory(kernel: Kernel, descriptor: number): { name: string; type: number }[] {
  const entries: { name: string; type: number }[] = [];
  for (;;) {
    const count = kernel.call('getdents64', 0b10, [descriptor, bufferOffset, bufferSize]);
    if (count === 0) return entries;
    for (let offset = bufferOffset; offset < bufferOffset + count; ) {
      const length = kernel.view.getUint16(offset + record.length, true);
      const end = kernel.bytes.indexOf(0, offset + record.name);
      const name = kernel.takeText(offset + record.name, end - offset - record.name);
      if (name !== '.' && name !== '..') entries.push({ name, type: kernel.bytes[offset + record.type]! });
      offset += length;
    }
  }
}
