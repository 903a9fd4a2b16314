import { FramingError } from '../base/errors.ts'
import {
  type Decoder,
  type Emit,
  type Framing,
  LINE_MAX,
  type OverlongPolicy,
  type Report,
  checkOptions,
  encodeUtf8,
  readMaxLength,
  readSkip,
  toJson,
  unterminated,
} from './framing.ts'
import { LineDecoder, type LinesOptions } from './lines.ts'

export interface JsonOptions extends Pick<LinesOptions, 'maxLength'> {
  /** `'skip'` drops a longer line and reports it instead of ending the stream. @default 'fail' */
  readonly onOverlong?: OverlongPolicy | undefined
  /**
   * `'skip'` drops a line that is not JSON and reports it: for programs that also
   * log to stdout, as MCP clients do. @default 'fail'
   */
  readonly onInvalid?: OverlongPolicy | undefined
}

/**
 * One JSON value a line (NDJSON, JSON Lines; the stdio transport of MCP). Empty lines are passed over.
 *
 * ```ts
 * import { json } from 'pagent/framing'
 * process.stdout.write(json().encode({ add: [1, 2] })) // → {"add":[1,2]}
 * ```
 */
export function json<I = unknown, O = I>(options: JsonOptions = {}): Framing<I, O> {
  const make = jsonDecoders('json', options, LINE_MAX)
  return {
    name: 'json',
    decoder: (report) => make<I>(report),
    encode: (message) => `${toJson('json', message)}\n`,
  }
}

/** For all framings of JSON lines: checks their options once, makes a decoder for each stream. */
export function jsonDecoders(
  name: string,
  options: JsonOptions,
  longest: number,
): <I>(report: Report | undefined) => Decoder<I> {
  checkOptions(name, options, ['maxLength', 'onOverlong', 'onInvalid'])
  const max = readMaxLength(options.maxLength, longest)
  const skipLong = readSkip(options.onOverlong, 'onOverlong')
  const skipInvalid = readSkip(options.onInvalid, 'onInvalid')
  return <I>(report: Report | undefined) =>
    new JsonDecoder<I>(name, new LineDecoder(name, max, skipLong ? 'skip' : 'fail', report), skipInvalid, report)
}

const BOM = 0xfeff

class JsonDecoder<I> implements Decoder<I> {
  readonly #name: string
  readonly #lines: LineDecoder
  readonly #skip: boolean
  readonly #report: Report | undefined

  constructor(name: string, lines: LineDecoder, skip: boolean, report: Report | undefined) {
    this.#name = name
    this.#lines = lines
    this.#skip = skip
    this.#report = report
  }

  push(chunk: Uint8Array, emit: Emit<I>): void {
    this.#lines.push(chunk, (line) => this.#parse(line, 'malformed', emit))
  }

  end(emit: Emit<I>): void {
    const line = this.#lines.takeRest()
    if (line === undefined) return
    this.#parse(line, 'truncated', (value) => {
      this.#report?.(unterminated(this.#name))
      emit(value)
    })
  }

  #parse(line: string, fault: 'malformed' | 'truncated', emit: Emit<I>): void {
    let value: I
    try {
      // Some programs begin their output with a byte order mark.
      value = JSON.parse(line.charCodeAt(0) === BOM ? line.slice(1) : line) as I
    } catch (cause) {
      if (line.trim() !== '') this.#refuse(line, fault, cause)
      return
    }
    emit(value)
  }

  #refuse(line: string, fault: 'malformed' | 'truncated', cause: unknown): void {
    const shown = line.length > 80 ? `${line.slice(0, 80)}…` : line
    const error = new FramingError(this.#name, fault, `a line is not JSON: ${JSON.stringify(shown)}`, {
      cause,
      length: encodeUtf8(line).length,
    })
    if (!this.#skip) throw error
    this.#report?.(error)
  }
}
