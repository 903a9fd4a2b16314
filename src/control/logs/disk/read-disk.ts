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
  const read = (line: string): LogRecord | undefined => fromLine(line, runSince)
  try {
    if (lines <= MOST || request.previous === true)
      yield* lastOf(files, waiting, selection, Math.min(lines, MOST), read)
    else yield* allOf(files, waiting, selection, read)
  } finally {
    await files[Symbol.asyncDispose]()
  }
}

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
  const known = numbersOf(waiting)
  if (found.length < lines)
    for await (const line of files.backward()) {
      const record = read(line)
      if (record === undefined || known.has(record.seq)) continue
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
  const known = numbersOf(waiting)
  for await (const line of files.forward()) {
    const record = read(line)
    if (record !== undefined && !known.has(record.seq) && selection.wants(record)) yield record
  }
  yield* waiting.filter((record) => selection.wants(record))
}

/** Of what waited when we began: some of it may be on the disk by now. */
function numbersOf(waiting: readonly LogRecord[]): ReadonlySet<number> {
  return new Set(waiting.map(({ seq }) => seq))
}
