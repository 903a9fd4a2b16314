import type { LogRecord } from '../../api/wire.ts'
import { fromLine } from '../log-line.ts'
import { type LogRequest, Selection, linesOf } from '../selection.ts'
import { OpenedFiles } from './cursor.ts'
import type { LogDisk } from './log-disk.ts'
import { COMBINED, baseOf } from './names.ts'

/** The most records that are held at once, where they have to be. */
const MOST = 100_000

/**
 * What is on the disk and what waits for it, oldest first. Reads from the end, and only as far as it must; what is written, put
 * aside or removed meanwhile changes nothing.
 */
export async function* readDisk(disk: LogDisk, request: LogRequest, runSince: number): AsyncGenerator<LogRecord> {
  const [only, ...others] = request.workers ?? []
  // The lines of one reach further back in its own file.
  const worker = only !== undefined && others.length === 0 ? only : undefined
  const waiting = disk.unwritten(worker)
  const files = await OpenedFiles.open(disk.folder, worker === undefined ? COMBINED : baseOf(worker))
  const lines = linesOf(request)
  const selection = new Selection(request)
  const firstWaiting = waiting[0]?.seq ?? Infinity
  const read = (line: string): LogRecord | undefined => {
    const record = fromLine(line, runSince)
    // What waited may be on the disk by now, and more behind it.
    return record !== undefined && record.seq < firstWaiting ? record : undefined
  }
  try {
    if (lines <= MOST || request.previous === true)
      yield* lastOf(files, waiting, selection, Math.min(lines, MOST), read)
    else yield* allOf(files, waiting, selection, read)
  } finally {
    await files[Symbol.asyncDispose]()
  }
}

/** What is older than all that waits. */
type Read = (line: string) => LogRecord | undefined

async function* lastOf(
  files: OpenedFiles,
  waiting: readonly LogRecord[],
  selection: Selection,
  lines: number,
  read: Read,
): AsyncGenerator<LogRecord> {
  const found: LogRecord[] = []
  for (const record of waiting.toReversed()) if (found.length < lines && selection.wants(record)) found.push(record)
  if (found.length < lines)
    for await (const line of files.backward()) {
      const record = read(line)
      if (record === undefined) continue
      if (selection.isOver(record)) break
      if (selection.wants(record)) found.push(record)
      if (found.length === lines) break
    }
  yield* found.toReversed()
}

/** Too many to hold. */
async function* allOf(
  files: OpenedFiles,
  waiting: readonly LogRecord[],
  selection: Selection,
  read: Read,
): AsyncGenerator<LogRecord> {
  for await (const line of files.forward()) {
    const record = read(line)
    if (record !== undefined && selection.wants(record)) yield record
  }
  yield* waiting.filter((record) => selection.wants(record))
}
