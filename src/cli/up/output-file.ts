import { closeSync, openSync, readSync, statSync, truncateSync } from 'node:fs'

/** More than that nobody reads. */
const MOST = 8 * 1024

/** What was said in many runs. */
const LARGE = 64 * 1024

/** Empties it once it is large; returns its size in bytes. */
export function beginAnew(file: string): number {
  if (sizeOf(file) > LARGE) truncateSync(file)
  return sizeOf(file)
}

/** Bytes; 0 for what is not there. */
function sizeOf(file: string): number {
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
