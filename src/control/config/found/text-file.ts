import { readFileSync, statSync } from 'node:fs'
import { formatBytes } from '../../../base/units.ts'

/** A fleet of ten thousand workers, each written out, is smaller. */
const MOST_BYTES = 2 ** 20

export type TextFile = { readonly text: string } | { readonly problem: string }

/** The text of a file that people write: not a device, not huge, and UTF-8. */
export function readTextFile(path: string): TextFile {
  try {
    const stats = statSync(path)
    if (!stats.isFile()) return { problem: stats.isDirectory() ? 'it is a folder' : 'it is no regular file' }
    if (stats.size > MOST_BYTES)
      return { problem: `it has ${formatBytes(stats.size)}; ${formatBytes(MOST_BYTES)} are the most` }
    return decode(readFileSync(path))
  } catch (error) {
    return { problem: WHY[(error as NodeJS.ErrnoException).code ?? ''] ?? (error as Error).message }
  }
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'it does not exist: a part of its path is a file',
  EACCES: 'it may not be read',
}

function decode(bytes: Buffer): TextFile {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } catch {
    const line = bytes.subarray(0, firstFault(bytes)).toString('latin1').split('\n').length
    return { problem: `it is not UTF-8 from line ${line} on` }
  }
}

/** The first byte that belongs to no character, found by halving. */
function firstFault(bytes: Buffer): number {
  let [good, bad] = [0, bytes.length]
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2)
    if (isUtf8So(bytes.subarray(0, middle))) good = middle
    else bad = middle
  }
  return good
}

/** What is cut within a character is good so far. */
function isUtf8So(bytes: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    return true
  } catch {
    return false
  }
}
