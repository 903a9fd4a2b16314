import type { FramingError } from '../base/errors.ts'
import type { Tail } from '../base/tail.ts'
import type { ByteSource } from '../channel/bytes.ts'
import { LineDecoder } from '../framing/lines.ts'

const LINE_MAX = 65_536

/** What the reader of a worker's stderr is told. */
export interface StderrListener {
  stderrChunk(bytes: number): void
  /** Undefined where nobody wants lines. */
  readonly stderrLine: ((line: string) => void) | undefined
  notice(notice: FramingError): void
  stderrEnded(): void
}

/** Always read, so that no worker waits for it; kept as a tail, and cut into lines where somebody wants them. */
export function readStderr(source: ByteSource, tail: Tail, listener: StderrListener): void {
  const { stderrLine } = listener
  const decoder = stderrLine && new LineDecoder('stderr', LINE_MAX, true, (notice) => reportSkipped(notice, listener))
  source.start(
    (chunk) => {
      tail.push(chunk)
      listener.stderrChunk(chunk.length)
      if (stderrLine !== undefined) decoder?.push(chunk, stderrLine)
      return true
    },
    () => {
      if (stderrLine !== undefined) decoder?.end(stderrLine)
      listener.stderrEnded()
    },
  )
}

/** An unterminated last line of stderr is nothing to tell. */
function reportSkipped(notice: FramingError, listener: StderrListener): void {
  if (notice.reason !== 'unterminated') listener.notice(notice)
}
