import { FramingError } from '../base/errors.ts'
import { type Bytes, formatBytes } from '../base/units.ts'
import { Block } from './block.ts'
import { ByteQueue } from './byte-queue.ts'
import {
  BLOCK_MAX,
  type Decoder,
  type Emit,
  type Framing,
  checkOptions,
  decodeUtf8,
  encodeUtf8,
  readMaxLength,
  toJson,
  tooLong,
} from './framing.ts'

export interface ContentLengthOptions {
  /** Longest body in bytes. @default '16MiB' */
  readonly maxLength?: Bytes | undefined
}

/**
 * JSON bodies behind `Content-Length` headers: the base protocol of the Language Server Protocol and of the
 * Debug Adapter Protocol. Other headers are read over.
 *
 * ```ts
 * import { contentLength } from 'pagent/framing'
 * console.log(new TextDecoder().decode(contentLength().encode({ id: 1 }) as Uint8Array).split('\r\n')[0]) // → Content-Length: 8
 * ```
 */
export function contentLength<I = unknown, O = I>(options: ContentLengthOptions = {}): Framing<I, O> {
  checkOptions('contentLength', options, ['maxLength'])
  const max = readMaxLength(options.maxLength, BLOCK_MAX)
  return {
    name: 'contentLength',
    large: true,
    decoder: () => new ContentLengthDecoder<I>(max),
    encode: (message) => encodeBody(encodeUtf8(toJson('contentLength', message)), max),
  }
}

/** Header and body in one piece, so that they leave in one write. */
function encodeBody(body: Uint8Array, max: number): Uint8Array {
  if (body.length > max) throw tooLong('contentLength', body.length, max)
  const header = encodeUtf8(`Content-Length: ${body.length}\r\n\r\n`)
  const bytes = new Uint8Array(header.length + body.length)
  bytes.set(header)
  bytes.set(body, header.length)
  return bytes
}

const NEWLINE = 10
const HEADER_MAX = 8192

class ContentLengthDecoder<I> implements Decoder<I> {
  readonly #max: number
  readonly #line = new ByteQueue()
  readonly #body = new Block()
  #length = -1
  #headerBytes = 0

  constructor(max: number) {
    this.#max = max
  }

  push(chunk: Uint8Array, emit: Emit<I>): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#body.open) at = this.#body.take(chunk, at, (body) => emit(this.#parse(body)))
      else at = this.#takeHeaderLine(chunk, at)
    }
  }

  end(): void {
    if (!this.#body.open && this.#headerBytes === 0) return
    throw this.#error('truncated', 'the stream ended in the middle of a message')
  }

  #takeHeaderLine(chunk: Uint8Array, from: number): number {
    const newline = chunk.indexOf(NEWLINE, from)
    const end = newline === -1 ? chunk.length : newline
    const next = newline === -1 ? end : newline + 1
    this.#headerBytes += next - from
    if (this.#headerBytes > HEADER_MAX)
      throw this.#error('malformed', `there is no message header in ${formatBytes(HEADER_MAX)}`)
    this.#line.push(chunk.subarray(from, end))
    if (newline === -1) return next
    const line = decodeUtf8(this.#line.view()).trimEnd()
    this.#line.clear()
    if (line === '') this.#begin()
    else this.#readHeader(line)
    return next
  }

  #readHeader(line: string): void {
    const match = /^([\w-]+):\s*(.*)$/.exec(line)
    if (match === null)
      throw this.#error('malformed', `a header was expected, not ${JSON.stringify(line.slice(0, 80))}`)
    if (match[1]?.toLowerCase() !== 'content-length') return
    if (!/^\d{1,15}$/.test(match[2] ?? ''))
      throw this.#error('malformed', `Content-Length is not a length: ${JSON.stringify(match[2]?.slice(0, 80))}`)
    this.#length = Number(match[2])
  }

  #begin(): void {
    const length = this.#length
    this.#length = -1
    this.#headerBytes = 0
    if (length < 0) throw this.#error('malformed', 'a message has no Content-Length')
    if (length > this.#max) throw tooLong('contentLength', length, this.#max)
    if (length === 0) throw this.#error('malformed', 'a message has no body')
    this.#body.begin(length)
  }

  #parse(body: Uint8Array): I {
    try {
      return JSON.parse(decodeUtf8(body)) as I
    } catch (cause) {
      throw new FramingError('contentLength', 'malformed', 'a body is not JSON', { cause, length: body.length })
    }
  }

  #error(reason: 'malformed' | 'truncated', why: string): FramingError {
    return new FramingError('contentLength', reason, why)
  }
}
