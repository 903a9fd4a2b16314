import { closeSync, openSync, readSync, statSync } from 'node:fs'

/** More than that nobody reads. */
const MOST = 8 * 1024

/** Bytes; 0 for what is not there. */
export function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

/** What was written to it from there on, the last of it, indented. */
export function outputSince(file: string, from: number): string {
  const size = sizeOf(file)
  const start = Math.max(from, size - MOST)
  if (start >= size) return ''
  const bytes = Buffer.alloc(size - start)
  const fd = openSync(file, 'r')
  try {
    const read = readSync(fd, bytes, 0, bytes.length, start)
    return bytes.toString('utf8', 0, read).trimEnd().replaceAll(/^/gm, '  ')
  } finally {
    closeSync(fd)
  }
}
