/** Gives the person a text as a file. */
export function saveAs(name: string, content: string | Blob, type: string): void {
  const blob = typeof content === 'string' ? new Blob([content], { type }) : content;
  const address = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The download has begun when the click returns; the browser keeps the content until it ends.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
