import type { LogRecord } from '../api/wire.ts'

/** Characters of one line that are kept. */
export const LONGEST_LINE = 32 * 1024

/** A line that is too long says how much of it is missing. */
export function cut(text: string): string {
  if (text.length <= LONGEST_LINE) return text
  return `${text.slice(0, LONGEST_LINE)}… (${text.length - LONGEST_LINE} more characters)`
}

/** One line of JSON with pino's keys, without its end. */
export function toLine({ level, time, pid, worker, incarnation, stream, seq, dropped, msg }: LogRecord): string {
  // One flat string: thousands of them wait, and one put together from parts would keep those.
  return JSON.stringify({ level, time, pid, worker, incarnation, stream, seq, dropped, msg })
}

/**
 * Undefined for what is no record: a line that was cut off by a full disk, or by the loss of power. What was written before
 * `runSince` is of an earlier fleet, whose numbers mean nothing now.
 */
export function fromLine(line: string, runSince: number): LogRecord | undefined {
  let record: Partial<LogRecord> | null
  try {
    record = JSON.parse(line) as Partial<LogRecord> | null
  } catch {
    return undefined
  }
  const { level, time, pid, worker, incarnation, stream, msg, dropped, seq } = record ?? {}
  if (typeof time !== 'number' || typeof worker !== 'string' || typeof msg !== 'string' || seq === undefined)
    return undefined
  return {
    seq: time < runSince ? 0 : seq,
    time,
    worker,
    incarnation: incarnation ?? 0,
    stream: stream ?? 'pagent',
    level: level ?? 30,
    msg,
    ...(pid === undefined ? {} : { pid }),
    ...(dropped === undefined ? {} : { dropped }),
  }
}

/** Of lines of this fleet. */
export function recordsOf(lines: Iterable<string>): readonly LogRecord[] {
  return Array.from(lines, (line) => fromLine(line, 0)).filter((record) => record !== undefined)
}
