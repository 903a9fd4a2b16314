import { FramingError } from '../base/errors.ts'
import { type Bytes, formatBytes } from '../base/units.ts'
import { Block } from './block.ts'
import {
  BLOCK_MAX,
  type Decoder,
  type Emit,
  type Framing,
  checkOptions,
  readMaxLength,
  tooLong,
  unencodable,
} from './framing.ts'

export interface LengthPrefixedOptions {
  /** Bytes of the big-endian length before each message. @default 4 */
  readonly header?: 1 | 2 | 4 | undefined
  /** Longest message in bytes. @default '16MiB', or what the header can count */
  readonly maxLength?: Bytes | undefined
}

/**
 * Binary messages, each behind its length: Erlang's `{packet, 1 | 2 | 4}`.
 *
 * ```ts
 * import { lengthPrefixed } from 'pagent/framing'
 * console.log(lengthPrefixed({ header: 2 }).encode(Uint8Array.of(7, 8))) // → Uint8Array(4) [ 0, 2, 7, 8 ]
 * ```
 */
export function lengthPrefixed(options: LengthPrefixedOptions = {}): Framing<Uint8Array> {
  checkOptions('lengthPrefixed', options, ['header', 'maxLength'])
  const header = options.header ?? 4
  if (header !== 1 && header !== 2 && header !== 4) {
    throw new RangeError(`Cannot use ${String(header)} as header: expected 1, 2 or 4 bytes`)
  }
  const max = Math.min(readMaxLength(options.maxLength, BLOCK_MAX), 2 ** (8 * header) - 1)
  return {
    name: 'lengthPrefixed',
    large: true,
    decoder: () => new LengthPrefixedDecoder(header, max),
    encode: (message) => encodeBlock(message, header, max),
  }
}

function encodeBlock(message: Uint8Array, header: number, max: number): Uint8Array {
  if (!(message instanceof Uint8Array)) {
    throw unencodable('lengthPrefixed', `lengthPrefixed() carries a Uint8Array, not ${typeof message}`)
  }
  if (message.length > max) throw tooLong('lengthPrefixed', message.length, max)
  const bytes = new Uint8Array(header + message.length)
  for (let i = 0; i < header; i++) bytes[i] = message.length >>> (8 * (header - 1 - i))
  bytes.set(message, header)
  return bytes
}

class LengthPrefixedDecoder implements Decoder<Uint8Array> {
  readonly #header: number
  readonly #max: number
  readonly #body = new Block()
  #seen = 0
  #length = 0

  constructor(header: number, max: number) {
    this.#header = header
    this.#max = max
  }

  push(chunk: Uint8Array, emit: Emit<Uint8Array>): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#body.open) at = this.#body.take(chunk, at, emit)
      else if (this.#readHeader(chunk[at++] ?? 0)) this.#begin(emit)
    }
  }

  end(): void {
    if (!this.#body.open && this.#seen === 0) return
    const where = this.#body.open ? `message of ${formatBytes(this.#length)}` : 'header'
    throw new FramingError('lengthPrefixed', 'truncated', `the stream ended in the middle of a ${where}`)
  }

  #readHeader(byte: number): boolean {
    this.#length = this.#seen === 0 ? byte : this.#length * 256 + byte
    if (++this.#seen < this.#header) return false
    this.#seen = 0
    return true
  }

  #begin(emit: Emit<Uint8Array>): void {
    if (this.#length > this.#max) throw tooLong('lengthPrefixed', this.#length, this.#max)
    if (this.#length === 0) emit(new Uint8Array(0))
    else this.#body.begin(this.#length)
  }
}
